#include "tessera/data/open.h"

#include <gtest/gtest.h>

#include "tessera/core/error.h"
#include "tests/data/files.h"
#include "tests/support.h"

namespace tessera::data {
namespace {

std::string message(const std::string& path, const std::vector<std::string>& settings = {}) try {
  open_data(path, settings);
  return "no error";
} catch (const Error& error) {
  return error.what();
}

TEST(OpenData, SaysWhatIsWrongWithAPath) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(message("shape"), "shape: no such folder, did you mean 'shapes'?");
  EXPECT_EQ(message("/nowhere/at/all"),
            "/nowhere/at/all: no such folder, and no built-in data set ('shapes') of that name");
  test::write_text(folder / "file.txt", "x");
  EXPECT_EQ(message(folder / "file.txt"), (folder / "file.txt").string() + ": a file, but data is read from a folder");
  EXPECT_NE(message(folder.path()).find("no data set in this folder"), std::string::npos) << message(folder.path());
}

TEST(OpenData, RefusesUnknownSettings) {
  EXPECT_THROW(open_data("shapes", {"siez=64"}), UsageError);
  EXPECT_EQ(message("shapes", {"siez=64"}), "--data-set: unknown option 'siez', did you mean 'size'?");
  EXPECT_THROW(open_data("shapes", {"size"}), UsageError);
  EXPECT_THROW(open_data("shapes", {"size=4"}), UsageError);
  EXPECT_THROW(open_data("shapes", {"noise=nan"}), UsageError);
}

TEST(DataRegistry, KnowsTheKindsAndTheirSettings) {
  EXPECT_EQ(registry().names(), (std::vector<std::string>{"cifar", "folder", "mnist", "shapes"}));
  EXPECT_NE(registry().at("shapes").settings_help().find("--size"), std::string::npos);
  for (const std::string& name : registry().names()) EXPECT_FALSE(registry().at(name).help.empty()) << name;
}

}  // namespace
}  // namespace tessera::data

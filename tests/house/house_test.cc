// The rules of the house that a compiler does not check: who may include whom, how long a file may be, what a header
// says.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tessera::test {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = TESSERA_SOURCE_DIR;

// Besides itself, a folder may include these, and whatever they may include.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"core", {}},
    {"kernels", {"core"}},
    {"ops", {"kernels", "core"}},
    {"nn", {"ops"}},
    {"models", {"nn"}},
    {"formats", {"core"}},
    {"weights", {"formats", "models"}},
    {"image", {"core"}},
    {"text", {"core"}},
    {"data", {"image", "text", "core"}},
    {"train", {"models", "data", "weights"}},
    {"infer", {"models", "image", "text", "weights"}},
    {"explain", {"infer"}},
    {"report", {"train", "infer", "explain"}},
    {"cli", {"train", "report"}},  // which may include everything else
};

bool may_include(const std::string& from, const std::string& to) {
  if (from == to) return true;
  const auto& direct = kMayInclude.at(from);
  return std::any_of(direct.begin(), direct.end(), [&](const std::string& next) { return may_include(next, to); });
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The C++ sources and headers below a folder of the project.
std::vector<fs::path> sources_in(const std::string& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(kRoot / folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const std::string extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".h" || extension == ".cc")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What an #include line names, with its brackets or quotes; empty for any other line.
std::string included_by(const std::string& line) {
  if (line.rfind("#include ", 0) != 0) return "";
  const std::string name = line.substr(9);
  const size_t end = name.find_first_of(">\"", 1);
  return end == std::string::npos ? "" : name.substr(0, end + 1);
}

// What is wrong with a line of tessera/<folder>/…; empty where nothing is.
std::string complaint(const std::string& folder, const std::string& line) {
  const std::string name = included_by(line);
  if (name.empty() || name[0] == '<') return "";
  if (name.rfind("\"tessera/", 0) != 0) return "includes " + name + " without its place below tessera/";
  const std::string target = name.substr(9, name.find('/', 9) - 9);
  if (!kMayInclude.count(target)) return "includes " + name + ", of no folder of the plan";
  return may_include(folder, target) ? "" : folder + " must not include " + name;
}

TEST(House, IncludesPointOneWay) {
  for (const fs::path& file : sources_in("tessera")) {
    const fs::path relative = fs::relative(file, kRoot / "tessera");
    if (!relative.has_parent_path()) continue;  // tessera.h, the map of everything
    const std::string folder = *relative.begin();
    ASSERT_TRUE(kMayInclude.count(folder)) << "tessera/" << folder << " is not in the plan of the house";
    for (const std::string& line : lines_of(file)) {
      const std::string wrong = complaint(folder, line);
      EXPECT_TRUE(wrong.empty()) << relative << ": " << wrong;
    }
  }
}

TEST(House, AWrongIncludeWouldBeSeen) {
  EXPECT_EQ(complaint("ops", "#include \"tessera/core/tensor.h\""), "");
  EXPECT_EQ(complaint("nn", "#include \"tessera/kernels/add.h\""), "");        // through ops
  EXPECT_EQ(complaint("report", "#include \"tessera/image/picture.h\""), "");  // through train and data
  EXPECT_EQ(complaint("core", "#include <vector>"), "");
  EXPECT_NE(complaint("core", "#include \"tessera/ops/tape.h\""), "");
  EXPECT_NE(complaint("kernels", "#include \"tessera/ops/tape.h\""), "");
  EXPECT_NE(complaint("formats", "#include \"tessera/models/vit.h\""), "");
  EXPECT_NE(complaint("infer", "#include \"tessera/train/trainer.h\""), "");
  EXPECT_NE(complaint("ops", "#include \"tape.h\""), "");
  EXPECT_NE(complaint("ops", "#include \"tessera/misc/tape.h\""), "");
  for (const auto& [folder, unused] : kMayInclude) {
    EXPECT_TRUE(may_include("cli", folder)) << folder;
    EXPECT_TRUE(folder == "cli" || !may_include(folder, "cli")) << folder;
  }
}

// Kernels know plain pointers only, and nobody else knows their library and their vectors.
TEST(House, KernelsKeepToThemselves) {
  for (const fs::path& file : sources_in("tessera")) {
    const std::string name = fs::relative(file, kRoot / "tessera");
    const bool kernel = name.rfind("kernels/", 0) == 0;
    for (const std::string& line : lines_of(file)) {
      const std::string included = included_by(line);
      if (included.rfind("<dnnl", 0) == 0 || included.rfind("<oneapi", 0) == 0) {
        EXPECT_EQ(name.rfind("kernels/cpu/onednn.", 0), 0u) << name << " includes oneDNN";
      }
      if (included.find("-inl.h\"") != std::string::npos) {
        EXPECT_TRUE(name.rfind("kernels/cpu/", 0) == 0) << name << " includes " << included;
      }
      if (included == "\"tessera/core/tensor.h\"") {
        EXPECT_FALSE(kernel) << name << " knows Tensor";
      }
    }
  }
}

TEST(House, NoSourceIsLong) {
  size_t files = 0;
  for (const char* folder : {"tessera", "tests", "bench", "examples"}) {
    for (const fs::path& file : sources_in(folder)) {
      ++files;
      EXPECT_LE(lines_of(file).size(), 500u) << fs::relative(file, kRoot) << ": split it by subject";
    }
  }
  EXPECT_GT(files, 100u) << "looked in the wrong place";
}

TEST(House, HeadersDocumentThemselves) {
  for (const fs::path& file : sources_in("tessera")) {
    if (file.extension() != ".h") continue;
    const std::vector<std::string> lines = lines_of(file);
    const auto any = [&](auto is) { return std::any_of(lines.begin(), lines.end(), is); };
    EXPECT_TRUE(any([](const std::string& line) { return line.rfind("//", 0) == 0; }))
        << fs::relative(file, kRoot) << " does not say what it is for";
    EXPECT_TRUE(any([](const std::string& line) {
      return line == "#pragma once" || line.find("HWY_TARGET_TOGGLE") != std::string::npos;
    })) << fs::relative(file, kRoot)
        << " may be included twice";
  }
}

}  // namespace
}  // namespace tessera::test

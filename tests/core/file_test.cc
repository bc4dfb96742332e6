#include "tessera/core/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tessera/core/error.h"
#include "tests/support.h"

namespace tessera {
namespace {

namespace fs = std::filesystem;
using test::error_of;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(File, WritesReplacesAndLeavesNothingBeside) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "a", "first, and longer");
  write_atomically(folder / "a", [](const ByteSink& write) {
    write(std::as_bytes(std::span("sec", 3)));
    write({});
    write(std::as_bytes(std::span("ond", 3)));
  });
  EXPECT_EQ(read_text(folder / "a"), "second");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(File, WritesBesideAndShowsTheOldBytesUntilTheEnd) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  write_atomically(folder / "a", [&](const ByteSink& write) {
    write(std::as_bytes(std::span("new", 3)));
    EXPECT_EQ(read_text(folder / "a"), "old");
    EXPECT_EQ(read_text(folder / "a.part"), "new");
  });
  EXPECT_EQ(read_text(folder / "a"), "new");
}

TEST(File, AStaleBrokenPartIsOverwritten) {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "a.part") << "left behind by a killed run";
  write_atomically(folder / "a", "new");
  EXPECT_EQ(read_text(folder / "a"), "new");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(File, AnExceptionOfTheWriterKeepsTheOldFile) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "a", "old");
  EXPECT_EQ(error_of([&] {
              write_atomically(folder / "a", [](const ByteSink& write) {
                write(std::as_bytes(std::span("half", 4)));
                fail("no more");
              });
            }),
            "no more");
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

// A limit of the file size fails inside write() as a full disk does, after a part of the bytes.
TEST(File, AFailingWriteKeepsTheOldFileAndSaysWhatToDo) {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "a";
  write_atomically(path, "old");
  const auto previous_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit previous;
  getrlimit(RLIMIT_FSIZE, &previous);
  rlimit small = previous;
  small.rlim_cur = 100'000;
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = error_of([&] { write_atomically(path, std::string(1'000'000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, previous_handler);

  EXPECT_EQ(message, "cannot write " + path.string() +
                         ": File too large; raise the limit of file sizes (ulimit -f) or choose another disk (what was "
                         "there before is unchanged)");
  EXPECT_EQ(read_text(path), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a"});
}

TEST(File, AFullDeviceIsNamed) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(error_of([] { write_atomically("/dev/full", "x"); }),
            "cannot write /dev/full: No space left on device; free some space or choose another disk (what was there "
            "before is unchanged)");
  EXPECT_TRUE(fs::is_character_file("/dev/full")) << "a device must not be replaced by a file";
}

TEST(File, FollowsALinkInsteadOfReplacingIt) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_text(folder / "real"), "new");
}

TEST(File, SaysWhatIsWrongWithAPath) {
  const test::TemporaryFolder folder;
  const std::string root = folder.path().string();
  EXPECT_EQ(error_of([&] { read_file(folder / "none"); }),
            "cannot read " + root + "/none: No such file or directory; check the path");
  EXPECT_EQ(error_of([&] { MappedFile mapped(folder / "none"); }),
            "cannot read " + root + "/none: No such file or directory; check the path");
  EXPECT_EQ(error_of([&] { read_file(folder.path()); }),
            "cannot read " + root + ": Is a directory; give the path of a file");
  EXPECT_EQ(error_of([&] { write_atomically(folder.path(), "x"); }),
            "cannot write " + root + ": Is a directory; give the path of a file");
  EXPECT_EQ(error_of([&] { write_atomically(folder / "none/a", "x"); }),
            "cannot write " + root + "/none/a: No such file or directory; create its folder first");
}

TEST(File, ReadsTheBeginningAndFilesOfUnknownSize) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "a", "0123456789");
  EXPECT_EQ(text_of(read_file(folder / "a", 4)), "0123");
  EXPECT_EQ(text_of(read_file(folder / "a", 40)), "0123456789");
  write_atomically(folder / "empty", "");
  EXPECT_TRUE(read_file(folder / "empty").empty());

  // A pipe tells no size; more than one buffer of it arrives in order.
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string sent(300'000, ' ');
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>('a' + i % 23);
  std::thread writer([&] { write_atomically(pipe, sent); });
  EXPECT_EQ(read_text(pipe), sent);
  writer.join();
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_NE(error_of([&] { MappedFile mapped(pipe); }).find("it is a pipe or a device"), std::string::npos);
}

TEST(MappedFile, SeesTheBytesMovesAndSurvivesReplacement) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "a", "old bytes");
  MappedFile first(folder / "a");
  MappedFile second(std::move(first));
  EXPECT_TRUE(first.bytes().empty());
  write_atomically(folder / "a", "new");
  EXPECT_EQ(text_of(second.bytes()), "old bytes");
  second = MappedFile(folder / "a");
  EXPECT_EQ(text_of(second.bytes()), "new");

  write_atomically(folder / "empty", "");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
}

}  // namespace
}  // namespace tessera

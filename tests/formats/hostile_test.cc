// Files made to break readers: each is refused with one clear line, or loaded right, in bounded time and memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tessera/formats/npy.h"
#include "tessera/formats/npz.h"
#include "tessera/formats/safetensors.h"
#include "tessera/formats/zip.h"
#include "tests/support.h"

namespace tessera::formats {
namespace {

using test::error_of;
using test::golden_path;

std::filesystem::path hostile(const std::string& name) { return golden_path("origins/hostile/" + name); }

// "a, or b": whether every word of one alternative stands in the message.
bool mentions(const std::string& message, const std::string& alternatives) {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  };
  std::istringstream words(lower(alternatives));
  std::string word;
  bool all = true;
  while (words >> word) {
    const bool last = word.back() == ',';
    if (last) word.pop_back();
    if (word == "or") continue;
    all = all && lower(message).find(word) != std::string::npos;
    if (last && all) return true;
    if (last) all = true;
  }
  return all;
}

NamedArrays read(const std::string& file) {
  if (file.starts_with("npz_")) return read_npz(hostile(file));
  return read_safetensors(hostile(file)).arrays;
}

long peak_kib() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// Whatever loads out of these files counts 1, 2, 3 … or is a small array beside it.
void expect_right(const std::string& file, const NamedArrays& arrays) {
  for (const auto& [name, array] : arrays) {
    if (array.shape == Shape{2, 3}) {
      EXPECT_EQ(to_f32(array), (std::vector<float>{1, 2, 3, 4, 5, 6})) << file << " " << name;
    } else if (array.shape == Shape{2}) {
      EXPECT_EQ(to_f32(array), (std::vector<float>{0.5f, -0.5f})) << file << " " << name;
    } else {
      EXPECT_LE(array.shape.numel(), 1) << file << " " << name;
    }
  }
}

TEST(Hostile, EveryVerdictIsMet) {
  std::ifstream stream(hostile("verdicts.json"));
  const auto verdicts = nlohmann::json::parse(stream)["verdicts"];
  int refused = 0, loaded = 0;
  const long peak_before = peak_kib();
  for (const auto& verdict : verdicts) {
    const std::string file = verdict["file"], must = verdict["must"];
    if (!file.starts_with("safetensors_") && !file.starts_with("npz_") && !file.starts_with("file_")) continue;
    ASSERT_TRUE(std::filesystem::exists(hostile(file))) << file;
    const auto begin = std::chrono::steady_clock::now();
    NamedArrays arrays;
    const std::string message = error_of([&] { arrays = read(file); });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1)) << file;

    EXPECT_FALSE(must == "refuse" && message.empty()) << file << ": " << verdict["why"];
    EXPECT_FALSE(must == "load" && !message.empty()) << message << ": " << verdict["why"];
    if (message.empty()) {
      ++loaded;
      expect_right(file, arrays);
      continue;
    }
    ++refused;
    EXPECT_EQ(message.find('\n'), std::string::npos) << file << ": " << message;
    EXPECT_NE(message.find(file), std::string::npos) << file << ": " << message;
    EXPECT_LT(message.size(), 500 + hostile(file).string().size()) << file << ": " << message;
    const std::string wanted = verdict.value("a good message mentions", "");
    EXPECT_TRUE(mentions(message, wanted)) << message << "\n  should mention " << wanted;
    if (file.starts_with("safetensors_")) {
      EXPECT_EQ(message, error_of([&] { read_safetensors_header(hostile(file)); })) << "info is as strict as loading";
    }
  }
  EXPECT_EQ(refused + loaded, 71);
  EXPECT_LT(peak_kib() - peak_before, 32 << 10) << "KiB more at the peak";
}

void read_all(const std::string& file) {
  const ZipFile zip(hostile(file));
  for (const ZipMember& member : zip.members()) zip.read(member);
}

// PyTorch's files, as far as the archive itself goes.
TEST(Hostile, BrokenArchivesAreRefused) {
  for (const char* file :
       {"zip_half.pth", "zip_minus_one.pth", "zip_no_directory.pth", "zip_crc.pth", "zip_two_pickles.pth",
        "zip_two_records.pth", "zip_method_99.pth", "zip_encrypted.pth", "zip_size_lies.pth",
        "zip_directory_offset.pth", "zip_many_entries.pth", "zip_local_name.pth", "zip_fake_end_in_comment.pth",
        "zip_overlap.pth", "zip_prefix.pth", "zip_trailing.pth"}) {
    const std::string message = error_of([&] { read_all(file); });
    EXPECT_NE(message.find(file), std::string::npos) << file << ": " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(Hostile, SoundArchivesAreRead) {
  for (const char* file : {"zip_good.pth", "zip_path_traversal.pth", "zip_no_version.pth", "zip_big_endian.pth",
                           "zip_no_pickle.pth", "zip_odd_byteorder.pth", "zip_torchscript.pth", "zip_two_roots.pth"})
    EXPECT_EQ(error_of([&] { read_all(file); }), "");
}

// A damaged byte anywhere may change names or numbers, but never more than raise an Error.
TEST(Hostile, FlippedBytesAreHarmless) {
  const test::TemporaryFolder folder;
  for (const char* file : {"npz_good.npz", "safetensors_good.safetensors", "zip_good.pth", "../tiny/jax_deflate.npz"}) {
    const std::string whole = read_text(hostile(file));
    const size_t step = whole.size() / 800 + 1;
    for (size_t i = 0; i < whole.size(); i += step) {
      for (const unsigned char flip : {0x01, 0x80, 0xff}) {
        std::string bytes = whole;
        bytes[i] = static_cast<char>(bytes[i] ^ flip);
        std::ofstream(folder / "a") << bytes;
        const std::string message = error_of([&] {
          if (std::string_view(file).ends_with(".safetensors")) {
            for (const auto& [name, array] : read_safetensors(folder / "a").arrays) to_f64(array);
          } else if (std::string_view(file).ends_with(".npz")) {
            for (const auto& [name, array] : read_npz(folder / "a")) to_f64(array);
          } else {
            const ZipFile zip(folder / "a");
            for (const ZipMember& member : zip.members()) zip.read(member);
          }
        });
        ASSERT_TRUE(message.empty() || message.find((folder / "a").string()) != std::string::npos) << message;
      }
    }
  }
}

}  // namespace
}  // namespace tessera::formats

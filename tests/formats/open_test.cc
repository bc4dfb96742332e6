// Files, folders and indices of shards, told by what they are.
#include "tessera/formats/open.h"

#include <gtest/gtest.h>

#include "tessera/core/file.h"
#include "tessera/formats/npy.h"
#include "tessera/formats/safetensors.h"
#include "tests/support.h"

namespace tessera::formats {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::golden_path;
using test::TemporaryFolder;

Array numbers(std::vector<float> values) {
  const auto count = std::ssize(values);
  return array_of(std::move(values), {count});
}

TEST(Open, BytesDecideAndNotNames) {
  const TemporaryFolder folder;
  const std::pair<const char*, const char*> cases[] = {{"timm.safetensors", "safetensors"},
                                                       {"timm.pth", "PyTorch"},
                                                       {"timm_legacy.pth", "PyTorch before 1.6"},
                                                       {"jax.npz", "npz"}};
  for (const auto& [file, format] : cases) {
    fs::copy_file(golden_path(std::string("origins/tiny/") + file), folder / "a.bin",
                  fs::copy_options::overwrite_existing);
    EXPECT_EQ(read_arrays(folder / "a.bin").format, format);
  }
  EXPECT_EQ(read_arrays(golden_path("origins/tiny/hf_sharded")).format, "safetensors in 3 shards");
}

struct Sharded : TemporaryFolder {
  Sharded() {
    write_safetensors(*this / "1.safetensors", {{"a", numbers({1})}, {"b", numbers({2, 3})}}, {{"format", "pt"}});
    write_safetensors(*this / "2.safetensors", {{"c", numbers({4})}});
    index(R"({"weight_map": {"a": "1.safetensors", "b": "1.safetensors", "c": "2.safetensors"}})");
  }
  fs::path index_path() const { return *this / "model.safetensors.index.json"; }
  void index(const std::string& json) const { write_atomically(index_path(), json); }
  std::string error() const {
    return error_of([&] { read_arrays(index_path()); });
  }
};

TEST(Open, ShardsAreOneFile) {
  const Sharded folder;
  for (const fs::path& path : {folder.path(), folder.index_path()}) {
    const ArrayFile file = read_arrays(path);
    ASSERT_EQ(file.arrays.size(), 3u);
    EXPECT_EQ(to_f32(at(file.arrays, "b")), (std::vector<float>{2, 3}));
    EXPECT_EQ(to_f32(at(file.arrays, "c")), (std::vector<float>{4}));
    EXPECT_EQ(file.metadata.at("format"), "pt");
  }
}

TEST(Open, AnIndexMustAgreeWithItsShards) {
  const Sharded folder;
  const std::pair<const char*, const char*> cases[] = {
      {"{", "its JSON has no weight_map"},
      {"[]", "its JSON has no weight_map"},
      {R"({"weight_map": {}})", "its JSON has no weight_map"},
      {R"({"weight_map": {"a": 1}})", "has no file for \"a\""},
      {R"({"weight_map": {"a": "../1.safetensors"}})",
       "names \"../1.safetensors\" for \"a\", which is no file of its own folder"},
      {R"({"weight_map": {"a": "/etc/passwd"}})", "no file of its own folder"},
      {R"({"weight_map": {"a": "a\nb"}})", "names \"a\\nb\" for \"a\""},
      {R"({"weight_map": {"a": "3.safetensors"}})", "3.safetensors: missing, but "},
      {R"({"weight_map": {"a": "1.safetensors"}})", "1.safetensors holds the tensor \"b\", which it does not list"},
      {R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors", "c": "2.safetensors"}})",
       "it says that 2.safetensors has the tensor \"b\", but 1.safetensors has it"},
      {R"({"weight_map": {"a": "1.safetensors", "b": "1.safetensors", "d": "1.safetensors"}})",
       "it says that 1.safetensors has the tensor \"d\", which is not there"},
  };
  for (const auto& [json, says] : cases) {
    folder.index(json);
    EXPECT_NE(folder.error().find(says), std::string::npos) << folder.error() << "\n  should say " << says;
    EXPECT_NE(folder.error().find(folder.index_path().string()), std::string::npos) << folder.error();
  }
}

TEST(Open, AFolderIsItsWeights) {
  const TemporaryFolder folder;
  EXPECT_NE(error_of([&] { read_arrays(folder.path()); }).find("a folder without weights"), std::string::npos);
  write_safetensors(folder / "b.safetensors", {{"a", numbers({1})}});
  write_atomically(folder / "config.json", std::string_view("{}"));
  EXPECT_EQ(weights_file(folder.path()), folder / "b.safetensors");
  write_safetensors(folder / "a.safetensors", {{"a", numbers({1})}});
  EXPECT_NE(error_of([&] { weights_file(folder.path()); }).find("(a.safetensors, b.safetensors); name the one"),
            std::string::npos);
  write_safetensors(folder / "model.safetensors", {{"a", numbers({1})}});
  EXPECT_EQ(weights_file(folder.path()), folder / "model.safetensors");
  EXPECT_EQ(weights_file(folder / "nothing"), folder / "nothing") << "whoever opens it says that it is not there";
}

TEST(Open, WhatIsNotWeightsIsNamed) {
  const TemporaryFolder folder;
  write_npy(folder / "a.pth", numbers({1}));
  EXPECT_NE(error_of([&] { read_arrays(folder / "a.pth"); }).find("a.pth is an npy file, but weights are wanted here"),
            std::string::npos);
  write_atomically(folder / "b.pth", std::string_view("hello"));
  EXPECT_NE(error_of([&] { read_arrays(folder / "b.pth"); }).find("b.pth is a file of unknown kind"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_arrays(folder / "c.pth"); }).find("c.pth"), std::string::npos);
}

}  // namespace
}  // namespace tessera::formats

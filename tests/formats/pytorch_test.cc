// PyTorch's files: every tensor that PyTorch reads back is read, bit for bit, under its name and in its order.
#include "tessera/formats/pytorch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tessera/core/file.h"
#include "tessera/formats/open.h"
#include "tessera/formats/safetensors.h"
#include "tests/support.h"

namespace tessera::formats {
namespace {

using test::error_of;
using test::golden_path;
using test::shared_path;

void expect_equal(const Array& got, const Array& expected, const std::string& what) {
  EXPECT_EQ(got.type, expected.type) << what;
  EXPECT_EQ(got.shape, expected.shape) << what;
  EXPECT_TRUE(std::ranges::equal(got.bytes, expected.bytes)) << what;
}

TEST(PyTorch, OddTensorsAreReadFromBothFormats) {
  const auto expected = read_safetensors(golden_path("origins/tiny/odd_tensors_expect.safetensors")).arrays;
  for (const char* file : {"odd_tensors.pth", "odd_tensors_legacy.pth"}) {
    const auto arrays = read_pytorch(golden_path(std::string("origins/tiny/") + file)).arrays;
    ASSERT_EQ(arrays.size(), expected.size());
    EXPECT_EQ(arrays.size(), 21u);
    for (const auto& [name, array] : expected) expect_equal(at(arrays, name), array, std::string(file) + ": " + name);
  }
}

// What tests/golden/formats/make.py wrote.
TEST(PyTorch, CheckpointsAsPeopleWriteThem) {
  std::map<std::string, NamedArrays> files;
  for (const auto& [name, array] : read_safetensors(golden_path("formats/expect.safetensors")).arrays)
    files[name.substr(0, name.find(':'))].emplace_back(name.substr(name.find(':') + 1), array);
  EXPECT_EQ(files.size(), 13u);
  for (const auto& [file, expected] : files) {
    const auto arrays = read_pytorch(golden_path("formats/" + file)).arrays;
    EXPECT_EQ(arrays.size(), expected.size()) << file;
    for (const auto& [name, array] : expected) expect_equal(at(arrays, name), array, file + ": " + name);
  }
}

TEST(PyTorch, AWholeModuleHasTheNamesOfItsStateDict) {
  for (const char* file : {"module.pth", "module_legacy.pth", "module_protocol1.pth", "module_protocol5.pth"}) {
    std::vector<std::string> names;
    for (const auto& [name, array] : read_pytorch(golden_path(std::string("formats/") + file)).arrays)
      names.push_back(name);
    const std::vector<std::string> expected = {
        "embed.weight",    "blocks.0.scale",     "blocks.0.fc.weight", "blocks.0.fc.bias",
        "blocks.1.scale",  "blocks.1.fc.weight", "blocks.1.fc.bias",   "first.scale",
        "first.fc.weight", "first.fc.bias",      "head.weight",        "norm.weight",
        "norm.bias",       "norm.running_mean",  "norm.running_var",   "norm.num_batches_tracked",
    };
    EXPECT_EQ(names, expected) << file;
  }
}

TEST(PyTorch, PlainValuesBesideTheTensorsAreTold) {
  for (const char* file : {"training.pth", "training_legacy.pth"}) {
    const Metadata metadata = read_pytorch(golden_path(std::string("formats/") + file)).metadata;
    EXPECT_EQ(metadata.at("epoch"), "7");
    EXPECT_EQ(metadata.at("arch"), "vit_tiny");
    EXPECT_EQ(metadata.at("args/lr"), "0.1");
    EXPECT_EQ(metadata.at("optimizer/param_groups/0/amsgrad"), "false");
  }
}

// One set of weights, however it is wrapped: under some prefix, each of timm.safetensors' tensors.
TEST(PyTorch, OneSetOfWeightsInEveryWrapping) {
  const auto expected = read_safetensors(golden_path("origins/tiny/timm.safetensors")).arrays;
  const std::map<std::string, std::string> prefix_of = {{"timm.pth", ""},
                                                        {"timm_legacy.pth", ""},
                                                        {"timm_parameters.pth", ""},
                                                        {"deit.pth", "model/"},
                                                        {"ema.pth", "state_dict_ema/"},
                                                        {"dataparallel.pth", "state_dict/module."},
                                                        {"whole_module.pth", ""},
                                                        {"flat.pth", ""},
                                                        {"strided.pth", ""},
                                                        {"nocrc.pth", ""},
                                                        {"cuda.pth", ""},
                                                        {"cuda_legacy.pth", ""},
                                                        {"old_zip.pth", ""},
                                                        {"deflated.pth", ""},
                                                        {"protocol4.pth", ""},
                                                        {"lightning.ckpt", "state_dict/model."},
                                                        {"bytes.pth", ""},
                                                        {"compiled.pth", "_orig_mod.module."}};
  for (const auto& [file, prefix] : prefix_of) {
    const auto arrays = read_arrays(golden_path("origins/tiny/" + file)).arrays;
    for (const auto& [name, array] : expected) {
      const Array* got = find(arrays, prefix + name);
      ASSERT_TRUE(got) << file << ": " << prefix + name << "; there is " << arrays.front().first;
      expect_equal(*got, array, file + ": " + name);
    }
  }
  const auto wide = read_pytorch(golden_path("origins/tiny/f64.pth")).arrays;
  for (const auto& [name, array] : expected) {
    EXPECT_EQ(at(wide, name).type, FileType::F64);
    EXPECT_EQ(to_f32(at(wide, name)), to_f32(array)) << name;
  }
  for (const std::string type : {"f16", "bf16"}) {
    const auto rounded = read_safetensors(golden_path("origins/tiny/" + type + ".safetensors")).arrays;
    const auto arrays = read_pytorch(golden_path("origins/tiny/" + type + ".pth")).arrays;
    for (const auto& [name, array] : rounded) expect_equal(at(arrays, name), array, type + ": " + name);
  }
}

// Other origins name and split the same numbers otherwise.
TEST(PyTorch, OtherOriginsHoldTheSameNumbers) {
  std::string all;
  for (const auto& [name, array] : read_safetensors(golden_path("origins/tiny/timm.safetensors")).arrays)
    all.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  for (const char* file :
       {"torchvision.pth", "torchvision_linear.pth", "hf_new_names.pth", "hf_bin", "hf", "hf_sharded"}) {
    const auto arrays = read_arrays(golden_path(std::string("origins/tiny/") + file)).arrays;
    EXPECT_EQ(arrays.size(), std::string_view(file).starts_with("hf") ? 40u : 32u) << file;
    for (const auto& [name, array] : arrays)
      EXPECT_NE(all.find({reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size()}), std::string::npos)
          << file << ": " << name;
  }
}

TEST(PyTorch, ContiguousTensorsLieInTheMappedFile) {
  for (const char* file : {"origins/tiny/timm.pth", "origins/tiny/flat.pth", "origins/tiny/timm_legacy.pth"})
    for (const auto& [name, array] : read_pytorch(golden_path(file)).arrays) EXPECT_TRUE(array.mapped) << file << name;
  size_t copied = 0;
  for (const auto& [name, array] : read_pytorch(golden_path("origins/tiny/strided.pth")).arrays)
    copied += !array.mapped;
  EXPECT_GT(copied, 20u);
  // PyTorch aligns storages to 64 bytes in an archive: as tensors are used.
  for (const auto& [name, array] : read_pytorch(golden_path("origins/tiny/timm.pth")).arrays)
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.bytes.data()) % 64, 0u) << name;
}

TEST(PyTorch, NewerTypesAreReadOrRefusedByName) {
  const std::string message = error_of([] { read_pytorch(golden_path("origins/tiny/odd_v3.pth")); });
  EXPECT_NE(message.find("odd_v3.pth: tensor \"f8\": it is of type torch.float8_e4m3fn"), std::string::npos) << message;
  const auto arrays = read_pytorch(golden_path("formats/unsigned.pth")).arrays;
  EXPECT_EQ(to_i64(at(arrays, "u16")), (std::vector<int64_t>{1, 65535}));
  EXPECT_EQ(to_i64(at(arrays, "u32")), (std::vector<int64_t>{4294967295}));
}

}  // namespace
}  // namespace tessera::formats

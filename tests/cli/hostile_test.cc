// `tessera info` on files made to break readers, with 2 GiB of address space: as strict as loading, one line, nothing
// run, nothing written, little time.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace tessera {
namespace {

using test::Outcome;

// For the programs started meanwhile.
class AddressSpace {
 public:
  explicit AddressSpace(rlim_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_AS, &limit);
  }
  ~AddressSpace() { setrlimit(RLIMIT_AS, &before_); }
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

 private:
  rlimit before_ = {};
};

// Of the processor, which a busy machine does not lengthen.
double seconds_of_children() {
  rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

TEST(HostileFiles, InfoIsAsStrictAsLoading) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer reserves terabytes of address space";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer reserves terabytes of address space";
#endif
#endif
  const test::TemporaryFolder folder;
  const auto verdicts =
      nlohmann::json::parse(read_text(test::golden_path("origins/hostile/verdicts.json")))["verdicts"];
  int count = 0;
  const AddressSpace limit(2ull << 30);
  for (const auto& verdict : verdicts) {
    const std::string file = verdict["file"], must = verdict["must"];
    ++count;
    const double begin = seconds_of_children();
    const Outcome run = test::run_tessera({"info", test::golden_path("origins/hostile/" + file)}, folder.path());
    EXPECT_LT(seconds_of_children() - begin, 2) << file;
    EXPECT_TRUE(run.code == 0 || run.code == 1) << file << " ends with " << run.code;
    EXPECT_FALSE(must != "either" && run.code != (must == "load" ? 0 : 1)) << file << ": " << run.err;
    EXPECT_EQ(run.complaints(), run.code) << file << ": " << run.err;
    EXPECT_EQ(run.out.empty(), run.code == 1) << file;
    EXPECT_TRUE(run.code == 0 || run.says(file)) << run.err;
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 2) << file << " left a file";
  }
  EXPECT_EQ(count, 196);
}

TEST(HostileFiles, SoundOnesAreListed) {
  const test::TemporaryFolder folder;
  const std::pair<const char*, const char*> cases[] = {
      {"timm.pth", "32 tensors with 14,981 elements in 59,924 bytes (PyTorch)"},
      {"timm_legacy.pth", "(PyTorch before 1.6)"},
      {"deit.pth", "under          \"model/\""},
      {"deit.pth", "\n  args/model = tiny\n"},
      {"whole_module.pth", "\n\"blocks.1.mlp.fc2.weight\"    F32   [24,48]      4,608  blocks.1.mlp.fc2.weight\n"},
      {"hf_sharded", "40 tensors with 14,981 elements in 59,924 bytes (safetensors in 3 shards)"},
      {"hf_sharded/model.safetensors.index.json", "(safetensors in 3 shards)"},
      {"hf_bin", "(PyTorch)"},
      {"jax.npz", "40 tensors with 14,981 elements in 59,924 bytes (npz)"},
      {"bf16.safetensors", "BF16"}};
  for (const auto& [file, text] : cases) {
    const Outcome run =
        test::run_tessera({"info", test::golden_path(std::string("origins/tiny/") + file)}, folder.path());
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_NE(run.out.find(text), std::string::npos) << run.out;
  }
}

}  // namespace
}  // namespace tessera

// A .npy file of logits (N, K) whose number of rows is known only at the end.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>

#include "tessera/core/tensor.h"

namespace tessera::cli {

// Rows are collected on disk, in a nameless file beside the target, and the target is replaced by finish(): as long as
// that has not happened it holds what it held.
class LogitsFile {
 public:
  explicit LogitsFile(const std::filesystem::path& path);
  void add(const Tensor& logits);  // (B, K)
  void finish();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> rows_;
  int64_t N_ = 0, K_ = 0;
};

}  // namespace tessera::cli

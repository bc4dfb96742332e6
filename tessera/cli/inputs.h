// What `tessera predict` is given, as batches ready for the model: picture files, folders of any size, .npy arrays,
// data sets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/cli/walk.h"
#include "tessera/data/data_set.h"
#include "tessera/formats/array.h"
#include "tessera/image/decode.h"
#include "tessera/infer/classifier.h"

namespace tessera::cli {

// Pictures 0 … count-1 as the model wants them, got and prepared on all threads; those whose `get` throws are left out
// and told to `failed`, in order.
struct Prepared {
  std::vector<int64_t> kept;
  Tensor images;  // (kept, H, W, C)
};
Prepared prepare(const infer::Classifier& classifier, int64_t count, const std::function<image::Picture(int64_t)>& get,
                 const std::function<void(int64_t, const std::string& what)>& failed);

struct Batch {
  std::vector<std::string> names;   // B: the file, "x.npy[3]", "test 17"
  std::vector<std::string> labels;  // B, of data sets: the true class; else none
  Tensor images;                    // (B, H, W, C), normalised
};

class Inputs {
 public:
  // Paths as Walk takes them. `.npy`: float32 (B, C, H, W) is normalised input, uint8 (H, W, C) or (B, H, W, C) are
  // pixels. The classifier must outlive this.
  Inputs(const infer::Classifier& classifier, const std::vector<std::string>& paths, int64_t batch,
         const image::Decoding& decoding = {});

  // The first `count` pictures of a data set (0: all), behind the paths.
  void add(std::shared_ptr<const data::DataSet> set, int64_t count);

  // The next pictures, at most `batch`; false at the end. A picture that cannot be read is complained about, counted
  // and left out; a wrong array is an Error.
  bool next(Batch& batch);

  int64_t pictures() const { return pictures_; }  // so far, failed ones included
  int64_t failures() const { return failures_; }
  int64_t strays() const { return walk_.strays(); }

 private:
  void open_array(const std::filesystem::path& path);
  void take_rows(Batch& batch);
  bool take_files(Batch& batch);
  bool take_samples(Batch& batch);
  Tensor prepare_some(int64_t count, const std::function<image::Picture(int64_t)>& get,
                      const std::function<void(int64_t)>& kept);

  const infer::Classifier& classifier_;
  Walk walk_;
  int64_t batch_;
  image::Decoding decoding_;
  std::optional<std::filesystem::path> pending_;  // a file that the next batch begins with
  std::optional<formats::Array> array_;           // being read: (B, …)
  std::string array_name_;
  bool is_single_ = false;  // the array is one picture, not a batch of one
  int64_t row_ = 0;
  std::shared_ptr<const data::DataSet> set_;
  int64_t sample_ = 0, samples_ = 0;  // the next one; how many are wanted
  int64_t pictures_ = 0, failures_ = 0;
};

}  // namespace tessera::cli

#include "tessera/cli/inputs.h"

#include <algorithm>
#include <cstring>

#include "tessera/cli/output.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/formats/npy.h"

namespace tessera::cli {

Prepared prepare(const infer::Classifier& classifier, int64_t count, const std::function<image::Picture(int64_t)>& get,
                 const std::function<void(int64_t, const std::string& what)>& failed) {
  std::vector<Tensor> images(static_cast<size_t>(count));  // (1, H, W, C) each
  std::vector<std::string> errors(static_cast<size_t>(count));
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<size_t>(i);
      try {
        const image::Picture picture = get(i);
        images[at] = classifier.prepare({&picture, 1});
      } catch (const Error& error) {
        errors[at] = error.what();
      }
    }
  });
  Prepared result;
  for (int64_t i = 0; i < count; ++i) {
    if (images[static_cast<size_t>(i)]) {
      result.kept.push_back(i);
    } else {
      failed(i, errors[static_cast<size_t>(i)]);
    }
  }
  const auto [H, W, C] = classifier.input();
  result.images = Tensor::empty({std::ssize(result.kept), H, W, C});
  std::byte* to = result.images.raw();
  for (int64_t i : result.kept) {
    const Tensor& one = images[static_cast<size_t>(i)];
    std::memcpy(to, one.raw(), one.bytes());
    to += one.bytes();
  }
  return result;
}

Inputs::Inputs(const infer::Classifier& classifier, const std::vector<std::string>& paths, int64_t batch,
               const image::Decoding& decoding)
    : classifier_(classifier), walk_(paths), batch_(batch), decoding_(decoding) {}

bool Inputs::next(Batch& batch) {
  batch = {};
  while (batch.names.empty()) {
    if (array_) {
      take_rows(batch);
    } else if (!take_files(batch)) {
      if (pending_) {
        open_array(*pending_);
        pending_.reset();
      } else if (!take_samples(batch)) {
        return false;
      }
    }
  }
  return true;
}

// Up to the next array. False where there is no file before it.
bool Inputs::take_files(Batch& batch) {
  std::vector<std::filesystem::path> files;
  while (std::ssize(files) < batch_) {
    if (!pending_) pending_ = walk_.next();
    if (!pending_ || lower_extension(*pending_) == ".npy") break;
    files.push_back(std::move(*pending_));
    pending_.reset();
  }
  if (files.empty()) return false;
  image::Decoding how = decoding_;
  how.need = image::need_of(classifier_.preprocess());
  batch.images = prepare_some(
      std::ssize(files), [&](int64_t i) { return image::decode_file(files[static_cast<size_t>(i)], how); },
      [&](int64_t i) { batch.names.push_back(files[static_cast<size_t>(i)].string()); });
  return true;
}

void Inputs::add(std::shared_ptr<const data::DataSet> set, int64_t count) {
  samples_ = count > 0 ? std::min(count, set->size()) : set->size();
  set_ = std::move(set);
}

// False at the end of the data set, or where there is none.
bool Inputs::take_samples(Batch& batch) {
  const int64_t count = std::min(batch_, samples_ - sample_);
  if (count == 0) return false;
  const image::Need need = image::need_of(classifier_.preprocess());
  batch.images = prepare_some(
      count, [&](int64_t i) { return set_->get_part(sample_ + i, need).picture; },
      [&](int64_t i) {
        batch.names.push_back(set_->name_of(sample_ + i));
        batch.labels.push_back(set_->class_names()[static_cast<size_t>(set_->label(sample_ + i))]);
      });
  sample_ += count;
  return true;
}

// prepare(), with what cannot be read complained about and counted, and what can be told to `kept`.
Tensor Inputs::prepare_some(int64_t count, const std::function<image::Picture(int64_t)>& get,
                            const std::function<void(int64_t)>& kept) {
  const Prepared prepared = prepare(classifier_, count, get, [&](int64_t, const std::string& what) {
    ++failures_;
    complain(what);
  });
  pictures_ += count;
  for (int64_t i : prepared.kept) kept(i);
  return prepared.images;
}

void Inputs::open_array(const std::filesystem::path& path) {
  const std::string name = path.string();
  formats::Array array = formats::read_npy(path);
  const auto [H, W, C] = classifier_.input();
  const bool pixels = array.type == formats::FileType::U8;
  is_single_ = pixels && array.shape.rank() == 3;
  if (is_single_) array.shape = {1, array.shape[0], array.shape[1], array.shape[2]};
  const Shape& shape = array.shape;
  if (pixels) {
    TESSERA_CHECK(shape.rank() == 4 && (shape[3] == 1 || shape[3] == 3) && shape[1] > 0 && shape[2] > 0,
                  "{}: uint8 pixels must be (H, W, 3) or (B, H, W, 3), but they are {}", name, to_string(shape));
  } else {
    TESSERA_CHECK(
        array.type == formats::FileType::F32 && shape.rank() == 4 && shape[1] == C && shape[2] == H && shape[3] == W,
        "{}: the model takes float32 (B, {}, {}, {}), normalised, or uint8 pixels (B, H, W, 3), but this is {} {}",
        name, C, H, W, formats::name_of(array.type), to_string(shape));
  }
  TESSERA_CHECK(shape[0] > 0, "{}: it holds no picture", name);
  pictures_ += shape[0];
  row_ = 0;
  array_name_ = name;
  array_ = std::move(array);
}

void Inputs::take_rows(Batch& batch) {
  const Shape& shape = array_->shape;
  const int64_t count = std::min(batch_, shape[0] - row_);
  const size_t row_bytes = array_->bytes.size() / static_cast<size_t>(shape[0]);
  const std::byte* rows = array_->bytes.data() + static_cast<size_t>(row_) * row_bytes;
  if (array_->type == formats::FileType::U8) {
    std::vector<image::Picture> pictures;
    for (int64_t i = 0; i < count; ++i) {
      image::Picture& picture = pictures.emplace_back(shape[1], shape[2], shape[3]);
      std::memcpy(picture.pixels.data(), rows + static_cast<size_t>(i) * row_bytes, row_bytes);
    }
    batch.images = classifier_.prepare(pictures);
  } else {
    const Tensor images = Tensor::empty({count, shape[1], shape[2], shape[3]});  // (B, C, H, W)
    std::memcpy(images.raw(), rows, images.bytes());
    batch.images = infer::channels_last(images);
  }
  for (int64_t i = 0; i < count; ++i)
    batch.names.push_back(is_single_ ? array_name_ : fmt::format("{}[{}]", array_name_, row_ + i));
  row_ += count;
  if (row_ == shape[0]) array_.reset();
}

}  // namespace tessera::cli

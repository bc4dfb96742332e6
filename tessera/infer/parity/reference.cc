#include "tessera/infer/parity/reference.h"

#include <algorithm>
#include <cmath>

#include "tessera/formats/npy.h"
#include "tessera/formats/open.h"
#include "tessera/infer/parity/setup.h"

namespace tessera::parity {
namespace {

// PyTorch's own encoder, and the reference models of tests/golden, under our names.
std::string our_name(const std::string& name) {
  if (name.rfind("layers.", 0) == 0) return "blocks." + name.substr(7);
  return name == "rel_pos_bias" ? "blocks.0.attn.rel_pos" : name;
}

void check_finite(const formats::Array& array, const std::string& name, const std::string& where) {
  const std::vector<float> values = formats::to_f32(array);
  TESSERA_CHECK(std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }),
                "{}: {} holds NaN, infinity or numbers beyond float32", where, formats::in_quotes(name));
}

}  // namespace

Reference read_reference(const std::filesystem::path& path, const models::PictureSize& size) {
  Reference reference;
  reference.where = path.string();
  if (path.extension() == ".npy") {
    reference.tensors.emplace_back("logits", formats::read_npy(path));
    check_finite(reference.tensors[0].second, "logits", reference.where);
    return reference;
  }
  for (const auto& [name, array] : formats::read_arrays(path).arrays) {
    if (array.shape.numel() == 0) continue;
    check_finite(array, name, reference.where);
    if (name == "pixels") {
      reference.pixels = as_pictures(array, reference.where + ": 'pixels'");
    } else if (name == "input") {
      reference.input = as_input(array, size, reference.where + ": 'input'");
    } else {
      reference.tensors.emplace_back(our_name(name), array);
    }
  }
  return reference;
}

}  // namespace tessera::parity

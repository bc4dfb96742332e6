// Reference models: what a case of tests/golden/models (or of shared/golden/models) says, and its weights and inputs,
// which a formula gives so that full-size models need no weight files.
#pragma once

#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/tensor.h"
#include "tessera/formats/safetensors.h"

namespace tessera::test {

// A weight or an input: by formula from its name, a and b, or given value by value (token ids, masks: 0 and 1).
struct GoldenTensor {
  std::string name;
  Shape shape;
  double a = 0, b = 0;
  bool integers = false;      // every element is a
  std::vector<float> values;  // where they are given
};

struct GoldenGradients {
  std::vector<int64_t> labels;    // one per image; the loss is the mean cross-entropy over the batch
  bool training = false;          // training mode: batch norm takes the batch's statistics
  std::vector<std::string> zero;  // parameters whose gradient is zero in theory: compare absolutely
  double tolerance_rel = 0;
  formats::NamedArrays expect;  // "loss" (1), "logits", "grad.input", "grad.NAME" of every parameter, "stat.NAME"
};

struct GoldenCase {
  std::string name;
  std::string origin;  // whose names and layout: timm, torchvision, hf, jax, lucidrains, torch
  nlohmann::json architecture;
  int64_t parameters = 0;                 // trainable, exact
  std::vector<GoldenTensor> tensors;      // every entry of the state dict, in order
  std::vector<GoldenTensor> inputs;       // one, "input" of shape (B, C, H, W), for all models of images
  formats::NamedArrays expect;            // "logits" and, for tiny models, intermediates in the origin's layout
  double logits_rel = 0, strict_rel = 0;  // bounds of relative_error; the strict one tells epsilons and GELUs apart
  std::optional<GoldenGradients> gradients;
};

// The elements of `tensor`, row-major. Element i is float32(a + b u) with u in [-1, 1) from SplitMix64 of the name's
// CRC-32 and i; product and sum in double. Integers are exact as long as float32 holds them.
inline std::vector<float> golden_values(const GoldenTensor& tensor) {
  if (!tensor.values.empty()) return tensor.values;
  std::vector<float> values(static_cast<size_t>(tensor.shape.numel()), static_cast<float>(tensor.a));
  if (tensor.integers) return values;
  const auto* name = reinterpret_cast<const Bytef*>(tensor.name.data());
  const uint64_t key = static_cast<uint64_t>(crc32_z(0, name, tensor.name.size())) << 32;
  for (size_t i = 0; i < values.size(); ++i) {
    uint64_t z = key + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    const double u = static_cast<double>(z >> 40) / (1 << 23) - 1;
    values[i] = static_cast<float>(tensor.a + tensor.b * u);
  }
  return values;
}

inline Tensor golden_tensor(const GoldenTensor& tensor) { return Tensor::from(tensor.shape, golden_values(tensor)); }

// max |ours - expected| / max |expected|; infinite where ours is not finite or has another number of elements.
inline double relative_error(std::span<const float> ours, const formats::Array& expected) {
  const std::vector<double> reference = formats::to_f64(expected);
  if (ours.size() != reference.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, largest = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    if (!std::isfinite(ours[i])) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::fabs(ours[i] - reference[i]));
    largest = std::max(largest, std::fabs(reference[i]));
  }
  return difference == 0 ? 0 : difference / largest;
}

namespace detail {

inline void append_values(const nlohmann::json& nested, std::vector<float>& values) {
  if (nested.is_array()) {
    for (const auto& item : nested) append_values(item, values);
  } else {
    values.push_back(nested.is_boolean() ? static_cast<float>(nested.get<bool>()) : nested.get<float>());
  }
}

inline GoldenTensor golden_tensor_of(const nlohmann::json& json) {
  GoldenTensor tensor{json.at("name"),
                      Shape(json.at("shape").get<std::vector<int64_t>>()),
                      json.value("a", 0.0),
                      json.value("b", 0.0),
                      json.value("dtype", "f32") == "i64",
                      {}};
  if (json.contains("values")) append_values(json["values"], tensor.values);
  return tensor;
}

}  // namespace detail

// Rows of numbers, as JSON has them: (B, K).
inline Tensor golden_matrix(const nlohmann::json& rows) {
  std::vector<float> values;
  detail::append_values(rows, values);
  const auto B = static_cast<int64_t>(rows.size());
  return Tensor::from({B, static_cast<int64_t>(values.size()) / B}, std::span<const float>(values));
}

// `path`: a case's .json; the files that it names lie beside it.
inline GoldenCase read_golden_case(const std::filesystem::path& path) {
  const auto json = nlohmann::json::parse(read_text(path));
  const auto arrays = [&](const nlohmann::json& name) {
    return formats::read_safetensors(path.parent_path() / name.get<std::string>()).arrays;
  };
  GoldenCase result;
  result.name = json.at("case");
  result.origin = json.at("origin");
  result.architecture = json.at("architecture");
  result.parameters = json.at("parameters");
  for (const auto& tensor : json.at("tensors")) result.tensors.push_back(detail::golden_tensor_of(tensor));
  if (json.contains("input")) result.inputs.push_back(detail::golden_tensor_of(json["input"]));
  if (json.contains("inputs"))
    for (const auto& input : json["inputs"]) result.inputs.push_back(detail::golden_tensor_of(input));
  result.expect = arrays(json.at("expect"));
  result.logits_rel = json.at("tolerance").at("logits_rel");
  result.strict_rel = json.at("tolerance").at("strict_rel");
  if (json.contains("gradients")) {
    const auto& gradients = json["gradients"];
    result.gradients = GoldenGradients{gradients.at("labels"), gradients.at("mode") == "train", gradients.at("zero"),
                                       gradients.at("tolerance_rel"), arrays(gradients.at("expect"))};
  }
  return result;
}

}  // namespace tessera::test

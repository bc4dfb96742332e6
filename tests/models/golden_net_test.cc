#include "tests/models/golden_net.h"

#include <cmath>
#include <vector>

#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/ops/add.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/support.h"

namespace tessera::test {

namespace {

// The expected array in our layout; pictures are always (B, C, H, W) there.
formats::Array ours(const GoldenNet& net, const formats::Array& array, bool is_picture = false) {
  if (array.shape.rank() != 4 || !(net.maps_are_nchw || is_picture)) return array;
  const std::vector<float> values = formats::to_f32(array);
  const Tensor x = infer::channels_last(Tensor::from(array.shape, std::span<const float>(values)));
  return formats::array_of(std::vector<float>(x.span().begin(), x.span().end()), x.shape());
}

double largest_of(const formats::Array& array) {
  double largest = 0;
  for (float value : formats::to_f32(array)) largest = std::max<double>(largest, std::abs(value));
  return largest;
}

// Relative to the array's own largest; what is zero but for rounding against the largest of all.
void expect_near(const Tensor& value, const formats::Array& expected, double tolerance, double least_scale,
                 const std::string& name) {
  ASSERT_TRUE(value.defined()) << name;
  const std::vector<float> reference = formats::to_f32(expected);
  ASSERT_EQ(value.numel(), static_cast<int64_t>(reference.size())) << name;
  double error = 0;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double difference = std::abs(value.data()[i] - reference[i]);
    error = std::isnan(difference) ? INFINITY : std::max(error, difference);
  }
  EXPECT_LE(error, tolerance * std::max(largest_of(expected), least_scale)) << name;
}

}  // namespace

GoldenNet golden_net(const std::string& name, const std::string& architecture, bool maps_are_nchw,
                     const GoldenNet::Rename& rename) {
  GoldenNet net{read_golden_case(golden_path("models/" + name + ".json")),
                models::build(architecture),
                {},
                rename,
                maps_are_nchw};
  std::map<std::string, Tensor> tensors;
  std::vector<std::string> order, our_order;
  bool same_names = true;
  for (const GoldenTensor& tensor : net.golden.tensors) {
    if (tensor.integers || tensor.shape.numel() == 0) continue;  // num_batches_tracked
    const std::string name_here = rename(tensor.name);
    same_names = same_names && name_here == tensor.name;
    order.push_back(tensor.name);
    tensors[name_here] = golden_tensor(tensor);
  }
  for (const nn::Parameter& parameter : net.model->state()) {
    our_order.push_back(parameter.name);
    const auto found = tensors.find(parameter.name);
    if (found == tensors.end()) fail("{} has no tensor '{}'", name, parameter.name);
    *parameter.tensor = found->second.reshape(parameter.tensor->shape());
    tensors.erase(found);
  }
  if (!tensors.empty()) fail("{}: nothing takes '{}'", name, tensors.begin()->first);
  if (same_names) {
    EXPECT_EQ(our_order, order);
  }
  net.images = infer::channels_last(golden_tensor(net.golden.inputs.at(0)));
  return net;
}

void expect_outputs(GoldenNet& net, const std::function<Tensor(const std::string&)>& other) {
  EXPECT_EQ(net.model->num_parameters(), net.golden.parameters);
  const double bound = net.golden.strict_rel;
  const formats::Array& expected_logits = formats::at(net.golden.expect, "logits");
  {
    kernels::FrozenWeights frozen;
    for (const nn::Parameter& parameter : net.model->state())
      frozen.add({parameter.tensor->raw(), parameter.tensor->bytes()}, false);
    const ops::NoGrad no_grad;
    const ops::Frozen in_use(frozen);
    EXPECT_LE(relative_error(net.model->forward(net.images).span(), expected_logits), bound) << "logits, in use";
    EXPECT_LE(relative_error(net.model->forward(net.images).span(), expected_logits), bound) << "logits, used again";
  }
  const ops::NoGrad no_grad;
  const ops::Taps taps([](const std::string& name) { return name.find("probabilities") == std::string::npos; });
  const Tensor logits = net.model->forward(net.images);
  for (const auto& [name, expected] : net.golden.expect) {
    Tensor value = name == "logits" ? logits : other ? other(name) : Tensor();
    if (!value && other && !taps.values().count(net.rename(name))) continue;
    if (!value) value = taps.at(net.rename(name));
    EXPECT_LE(relative_error(value.span(), ours(net, expected)), bound) << name;
  }
}

void expect_gradients(GoldenNet& net) {
  ASSERT_TRUE(net.golden.gradients) << net.golden.name << " has no gradients";
  const GoldenGradients& golden = *net.golden.gradients;
  for (const nn::Parameter& parameter : net.model->parameters()) parameter.tensor->set_requires_grad();
  net.images.set_requires_grad();
  const ops::TrainingState state(golden.training ? std::optional<ops::Draws>(ops::Draws{}) : std::nullopt);
  const models::Model::TrainingOutput output = net.model->forward_training(net.images);
  const Tensor& logits = output.logits;
  const Tensor labels =
      Tensor::from({static_cast<int64_t>(golden.labels.size())}, std::span<const int64_t>(golden.labels));
  Tensor loss = ops::cross_entropy(logits, labels);
  for (const auto& [other, weight] : output.auxiliary)
    loss = ops::add(loss, ops::scale(ops::cross_entropy(other, labels), Tensor::full({1}, static_cast<float>(weight))));
  EXPECT_LE(relative_error(loss.span(), formats::at(golden.expect, "loss")), 1e-5);
  EXPECT_LE(relative_error(logits.span(), formats::at(golden.expect, "logits")), 1e-4);
  ops::backward(loss);

  std::map<std::string, Tensor> values;  // by the original's prefix and our name
  values["grad.input"] = net.images.grad();
  for (const nn::Parameter& parameter : net.model->parameters())
    values["grad." + parameter.name] = parameter.tensor->grad();
  for (const nn::Parameter& statistic : net.model->statistics()) values["stat." + statistic.name] = *statistic.tensor;
  double largest = 0;
  for (const auto& [name, expected] : golden.expect)
    if (name.starts_with("grad.")) largest = std::max(largest, largest_of(expected));
  for (const auto& [name, expected] : golden.expect) {
    const bool statistic = name.starts_with("stat.");
    if (!name.starts_with("grad.") && !statistic) continue;
    if (name.ends_with("num_batches_tracked")) continue;
    const std::string name_here = name == "grad.input" ? name : name.substr(0, 5) + net.rename(name.substr(5));
    const formats::Array array = name == "grad.input" ? ours(net, expected, true) : expected;
    if (statistic) {
      expect_near(values[name_here], array, 1e-5, 0, name);
    } else {
      expect_near(values[name_here], array, golden.tolerance_rel, 1e-3 * largest, name);
    }
  }
}

}  // namespace tessera::test

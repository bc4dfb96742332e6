#include "tessera/image/policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tessera/core/error.h"
#include "tessera/formats/npz.h"
#include "tests/image/golden.h"

namespace tessera::image {
namespace {

using test::difference;
using test::error_of;
using test::read_json;
using test::shared_path;
using Json = nlohmann::json;

std::optional<Json> magnitudes() {
  const auto golden = shared_path("golden/images/magnitudes.json");
  if (!golden) return std::nullopt;
  return read_json(*golden);
}

struct TorchvisionTable {
  const char* key;
  Policy::Kind kind;
  int64_t height, width;
};

TEST(Policy, MagnitudesAreTorchvisions) {
  const auto golden = magnitudes();
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const Json& reference = (*golden)["torchvision"];
  const std::vector<TorchvisionTable> tables = {
      {"RandAugment 31 bins, h x w 224x224", Policy::torchvision_rand, 224, 224},
      {"RandAugment 31 bins, h x w 32x32", Policy::torchvision_rand, 32, 32},
      {"RandAugment 31 bins, h x w 52x75", Policy::torchvision_rand, 52, 75},
      {"AutoAugment 10 bins, h x w 224x224", Policy::torchvision_auto, 224, 224},
      {"AutoAugment 10 bins, h x w 32x32", Policy::torchvision_auto, 32, 32},
      {"AutoAugment 10 bins, h x w 52x75", Policy::torchvision_auto, 52, 75},
      {"TrivialAugmentWide 31 bins", Policy::torchvision_trivial, 100, 100}};
  int matched = 0;
  for (const auto& [key, kind, height, width] : tables) {
    for (const auto& [operation, entry] : reference.at(key).items()) {
      SCOPED_TRACE(std::string(key) + " " + operation);
      torchvision_step(operation, 0);  // known
      if (entry["values"].is_null()) {
        EXPECT_FALSE(torchvision_magnitude(kind, operation, 0, height, width));
        ++matched;
        continue;
      }
      for (size_t bin = 0; bin < entry["values"].size(); ++bin) {
        const auto magnitude = torchvision_magnitude(kind, operation, static_cast<int64_t>(bin), height, width);
        ASSERT_TRUE(magnitude);
        EXPECT_EQ(magnitude->value, entry["values"][bin]) << bin;
        EXPECT_EQ(magnitude->is_signed, entry["signed"]);
        ++matched;
      }
    }
  }
  EXPECT_EQ(matched, 3 * (11 * 31 + 3) + 3 * (11 * 10 + 3) + 11 * 31 + 3);
}

TEST(Policy, ArgumentsAreTimms) {
  const auto golden = magnitudes();
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const Json& reference = (*golden)["timm"];
  const std::vector<double> levels = reference["levels"];
  constexpr int64_t kSide = 224;  // int(0.45 · 224) = 100
  int matched = 0;
  for (const bool negated : {false, true}) {
    for (const auto& [operation, values] : reference[negated ? "negated" : "arguments"].items()) {
      SCOPED_TRACE(operation);
      for (size_t i = 0; i < levels.size(); ++i) {
        const auto argument = timm_argument(operation, levels[i], negated, kSide);
        EXPECT_EQ(argument.has_value(), !values[i].is_null());
        if (argument) {
          EXPECT_EQ(*argument, values[i]) << levels[i];
        }
        ++matched;
      }
    }
  }
  EXPECT_EQ(matched, (26 + 11) * 17);
  const auto expect_operations = [&](const char* policy, const Json& names) {
    const auto operations = operations_of(policy_named(policy));
    EXPECT_EQ(Json(std::vector<std::string>(operations.begin(), operations.end())), names);
  };
  expect_operations("rand-inc1", reference["rand-m9-mstd0.5-inc1"]["ops"]);
  expect_operations("rand", reference["without inc1"]["ops"]);
}

TEST(Policy, PairsAreThePublishedOnes) {
  const auto golden = magnitudes();
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const std::vector<std::tuple<const char*, const char*, const char*>> tables = {
      {"imagenet", "torchvision", "AutoAugment policies IMAGENET"},
      {"cifar10", "torchvision", "AutoAugment policies CIFAR10"},
      {"svhn", "torchvision", "AutoAugment policies SVHN"},
      {"original", "timm", "AutoAugment original"},
      {"v0", "timm", "AutoAugment v0"}};
  for (const auto& [name, library, key] : tables) {
    const Json& expected = (*golden)[library][key];
    const auto pairs = policy_pairs(name);
    ASSERT_EQ(pairs.size(), expected.size());
    for (size_t i = 0; i < pairs.size(); ++i) {
      for (size_t k = 0; k < 2; ++k) {
        EXPECT_EQ(pairs[i][k].operation, expected[i][k][0]) << name << i;
        EXPECT_EQ(pairs[i][k].probability, expected[i][k][1]) << name << i;
        if (!expected[i][k][2].is_null()) {
          EXPECT_EQ(pairs[i][k].level, expected[i][k][2]) << name << i;
        }
      }
    }
  }
}

Picture picture_of(const formats::Array& array) {
  const auto* begin = reinterpret_cast<const uint8_t*>(array.bytes.data());
  return {array.shape[0],
          array.shape[1],
          array.shape.rank() == 3 ? array.shape[2] : 1,
          {begin, begin + array.bytes.size()}};
}

// The step that a recorded operation at its magnitude is.
PolicyStep step_of(const Json& c, const Picture& picture) {
  const std::string operation = c["op"];
  const Json& magnitude = c["magnitude"];
  PolicyStep step;
  if (c["source"] == "torchvision") {
    double value = 0;
    if (magnitude["bin"].is_number()) {
      value =
          torchvision_magnitude(Policy::torchvision_rand, operation, magnitude["bin"], picture.height, picture.width)
              .value_or(Magnitude{0, false})
              .value;
      if (magnitude["value"] < 0) value = -value;
      EXPECT_EQ(value, magnitude["value"]);
    }
    step = torchvision_step(operation, value);
  } else {
    const double level = magnitude["level"].is_number() ? magnitude["level"].get<double>() : 0;
    const bool negated = magnitude["negated"].is_boolean() && magnitude["negated"].get<bool>();
    const auto argument = timm_argument(operation, level, negated, std::min(picture.height, picture.width));
    step = timm_step(operation, argument.value_or(0), picture.height, picture.width, Filter::bilinear);
  }
  const std::string resample = c["calls"][0].value("resample", "NEAREST");
  step.filter = resample == "NEAREST" ? Filter::nearest : resample == "BILINEAR" ? Filter::bilinear : Filter::bicubic;
  return step;
}

TEST(Policy, OperationsAtTheirMagnitudesGiveTheLibrariesPixels) {
  const auto golden = shared_path("golden/images/augment.json");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const Json reference = read_json(*golden);
  const formats::NamedArrays inputs = formats::read_npz(*shared_path("golden/images/augment_inputs.npz"));
  std::map<std::string, int> matched;
  for (const Json& c : reference["cases"]) {
    const std::string operation = c["op"], source = c["source"];
    if (source == "pillow" || !c.contains("magnitude") || operation.starts_with("adjust_")) continue;
    SCOPED_TRACE(c["image"].dump() + " " + source + " " + operation + " " + c["magnitude"].dump());
    Picture picture = picture_of(*formats::find(inputs, c["image"].get<std::string>()));
    const PolicyStep step = step_of(c, picture);
    Colour fill{};
    if (c["calls"][0].contains("fill")) {
      const Json& value = c["calls"][0]["fill"];
      fill = value.is_array() ? value.get<Colour>() : Colour{value.get<uint8_t>()};
    }
    apply(picture, step, fill);
    EXPECT_EQ(difference(picture, c["out"]), "");
    ++matched[source];
  }
  EXPECT_EQ(matched, (std::map<std::string, int>{{"timm", 396}, {"torchvision", 332}}));
}

TEST(Policy, NamesSayWhatIsAskedFor) {
  const Policy timm = policy_named("rand-m7-n3-p0.4-mstd0.5-mmax12-inc1");
  EXPECT_EQ(timm.kind, Policy::timm_rand);
  EXPECT_EQ(timm.magnitude, 7);
  EXPECT_EQ(timm.operations, 3);
  EXPECT_EQ(timm.probability, 0.4);
  EXPECT_EQ(timm.deviation, 0.5);
  EXPECT_EQ(timm.most, 12);
  EXPECT_TRUE(timm.increasing);
  EXPECT_EQ(policy_named("rand").magnitude, 10);
  EXPECT_EQ(policy_named("ra-m5").magnitude, 5);
  EXPECT_EQ(policy_named("").kind, Policy::none);
  EXPECT_EQ(policy_named("v0-mstd0.5").deviation, 0.5);
  EXPECT_EQ(error_of([] { policy_named("rnad-m9"); }),
            "augmentation: there is no policy 'rnad', did you mean 'rand'?; there are ra, ta_wide, imagenet, cifar10, "
            "svhn (torchvision), rand, original, v0, 3a (timm)");
  EXPECT_EQ(error_of([] { policy_named("rand-x9"); }), "augmentation: 'x9' is no setting of the policy 'rand'");
  EXPECT_EQ(error_of([] { policy_named("rand-m"); }), "augmentation: 'm' is no setting of the policy 'rand'");
  EXPECT_EQ(error_of([] { policy_named("ta_wide-m9"); }), "augmentation: 'm9' is no setting of the policy 'ta_wide'");
  EXPECT_EQ(error_of([] { policy_named("ra-m31"); }), "augmentation: 'm' of a policy must be from 0 to 30, not 31");
}

std::map<int, int> drawn(const std::string& name, int times, std::vector<PolicyStep>* all = nullptr) {
  const Policy policy = policy_named(name);
  std::map<int, int> counts;
  for (int i = 0; i < times; ++i) {
    Random random(3, "policy", 0, static_cast<uint64_t>(i));
    for (const PolicyStep& step : draw_policy(policy, 224, 224, random)) {
      ++counts[step.operation];
      if (all) all->push_back(step);
    }
  }
  return counts;
}

TEST(Policy, DrawsEveryOperationAsOftenAsAsked) {
  const auto total = [](const std::map<int, int>& counts) {
    int sum = 0;
    for (const auto& [operation, count] : counts) sum += count;
    return sum;
  };
  constexpr int kTimes = 6000;
  const auto ra = drawn("ra", kTimes), trivial = drawn("ta_wide", kTimes), timm = drawn("rand-m9-inc1", kTimes);
  EXPECT_EQ(total(ra), 2 * kTimes);
  EXPECT_EQ(ra.size(), 14u);
  for (const auto& [operation, count] : ra) EXPECT_NEAR(count, kTimes / 7, 130) << operation;
  EXPECT_EQ(total(trivial), kTimes);
  EXPECT_NEAR(total(timm), kTimes, 300);  // each of two with probability ½
  EXPECT_EQ(timm.size(), 15u);
  const auto three = drawn("3a", kTimes);
  EXPECT_EQ(three.size(), 3u);
  for (const auto& [operation, count] : three) EXPECT_NEAR(count, kTimes / 3, 200) << operation;
}

TEST(Policy, DrawsBothSignsAndFiltersAndNoisyLevels) {
  std::vector<PolicyStep> steps;
  drawn("rand-m9-mstd0.5", 3000, &steps);
  std::set<double> rotations;
  int negative = 0, bilinear = 0;
  for (const PolicyStep& step : steps) {
    bilinear += step.filter == Filter::bilinear;
    if (step.operation != PolicyStep::rotate) continue;
    rotations.insert(std::abs(step.argument));
    negative += step.argument < 0;
    EXPECT_LE(std::abs(step.argument), 30);
  }
  EXPECT_GT(rotations.size(), 100u);
  EXPECT_NEAR(negative, 100, 40);
  EXPECT_NEAR(bilinear, static_cast<int>(steps.size() / 2), 150);
  steps.clear();
  drawn("ra-n1-m30", 3000, &steps);
  std::set<double> values;
  for (const PolicyStep& step : steps)
    if (step.operation == PolicyStep::translate_x) values.insert(step.argument);
  EXPECT_EQ(values, (std::set<double>{-101, 101}));
}

}  // namespace
}  // namespace tessera::image

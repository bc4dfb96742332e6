#include "tessera/nn/module.h"

#include <gtest/gtest.h>

#include "tessera/nn/init.h"
#include "tessera/nn/linear.h"

namespace tessera::nn {
namespace {

struct Pair : Module {
  Linear first{3, 4}, second{4, 2, false};
  Tensor token;
  Pair() {
    add_parameter("token", token, {1, 3}, ones());
    add_child("layers.0", first);
    add_child("layers.1", second);
  }
};

TEST(Module, NamesItsParametersInOrder) {
  Pair pair;
  std::vector<std::string> names;
  for (const Parameter& parameter : pair.parameters()) names.push_back(parameter.name);
  EXPECT_EQ(names, (std::vector<std::string>{"token", "layers.0.weight", "layers.0.bias", "layers.1.weight"}));
  EXPECT_EQ(pair.num_parameters(), 3 + 12 + 4 + 8);
  EXPECT_EQ(pair.second.path("drop"), "layers.1.drop");
}

// A layer without a name of its own.
struct Nameless : Module {
  Pair pair;
  Linear last{2, 2};
  Nameless() {
    add_child("", pair);
    add_child("last", last);
  }
};

TEST(Module, ANamelessChildsMembersAreItsParents) {
  Nameless net;
  EXPECT_EQ(net.parameters()[1].name, "layers.0.weight");
  EXPECT_EQ(net.parameters()[4].name, "last.weight");
  EXPECT_EQ(net.pair.first.path(), "layers.0");
  EXPECT_EQ(net.pair.path("drop"), "drop");
}

TEST(Module, InitialisesByNameAndSeed) {
  Pair a, b, c;
  a.initialise(1);
  b.initialise(1);
  c.initialise(2);
  const Tensor& x = a.first.weight();
  bool differs = false;
  for (int64_t i = 0; i < x.numel(); ++i) {
    EXPECT_EQ(x.data()[i], b.first.weight().data()[i]);
    differs |= x.data()[i] != c.first.weight().data()[i];
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(a.token.data()[0], 1);
}

}  // namespace
}  // namespace tessera::nn

// A module: named parameters and named children, in the order of the forward pass. The names are timm's, so files
// interchange.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/random.h"
#include "tessera/core/tensor.h"

namespace tessera::nn {

// How a parameter starts: fills it from a sequence that belongs to (seed, name of the parameter).
using Init = std::function<void(const Tensor&, Random)>;

struct Parameter {
  std::string name;  // "blocks.3.attn.qkv.weight"
  Tensor* tensor;    // the member of its module: assigning to it (a view of a flat buffer) changes the module
  Init init;
  void start(uint64_t seed) const { init(*tensor, Random(seed, "init/" + name)); }
};

class Module {
 public:
  virtual ~Module() = default;
  Module() = default;
  Module(const Module&) = delete;  // children know their parent
  Module& operator=(const Module&) = delete;

  // Every parameter of this module and below, in the order of registration.
  std::vector<Parameter> parameters() { return members_of(Role::weight); }
  int64_t num_parameters();  // scalars
  // What a layer counts in training and needs afterwards, but is not trained: the running mean and variance of batch
  // normalisation. Files and averages of the weights hold it; optimisers and parameter counts do not.
  std::vector<Parameter> statistics() { return members_of(Role::statistic); }
  // Parameters and statistics, in the order of registration: what a file of the model holds.
  std::vector<Parameter> state() { return members_of(std::nullopt); }
  // Starts all of the state anew: a pure function of the seed and the names.
  void initialise(uint64_t seed);
  // "blocks.3.attn"; empty for the root.
  std::string path() const;
  // path() with a name behind it, for taps and for the keys of dropout.
  std::string path(const std::string& name) const;

 protected:
  // Registers a parameter: an uninitialised f32 tensor until initialise() or a file fills it.
  void add_parameter(const std::string& name, Tensor& tensor, Shape shape, Init init);
  void add_statistic(const std::string& name, Tensor& tensor, Shape shape, Init init);
  // A child without a name has its members stand among this module's, under their own names.
  void add_child(const std::string& name, Module& child);

 private:
  enum class Role { weight, statistic };
  std::vector<Parameter> members_of(std::optional<Role> role);
  void collect(const std::string& prefix, std::optional<Role> role, std::vector<Parameter>& out);

  struct Member {  // a tensor or a child, in one order
    std::string name;
    Role role = Role::weight;
    Tensor* tensor = nullptr;
    Init init;
    Module* child = nullptr;
  };
  std::vector<Member> members_;
  const Module* parent_ = nullptr;
  std::string name_;
};

}  // namespace tessera::nn

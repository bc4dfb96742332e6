#include "tessera/nn/module.h"

#include <utility>

namespace tessera::nn {

namespace {
std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : name.empty() ? prefix : prefix + "." + name;
}
}  // namespace

void Module::add_parameter(const std::string& name, Tensor& tensor, Shape shape, Init init) {
  tensor = Tensor::empty(std::move(shape));
  members_.push_back({name, Role::weight, &tensor, std::move(init), nullptr});
}

void Module::add_statistic(const std::string& name, Tensor& tensor, Shape shape, Init init) {
  add_parameter(name, tensor, std::move(shape), std::move(init));
  members_.back().role = Role::statistic;
}

void Module::add_child(const std::string& name, Module& child) {
  child.parent_ = this;
  child.name_ = name;
  members_.push_back({name, Role::weight, nullptr, {}, &child});
}

std::string Module::path() const { return parent_ ? join(parent_->path(), name_) : name_; }
std::string Module::path(const std::string& name) const { return join(path(), name); }

void Module::collect(const std::string& prefix, std::optional<Role> role, std::vector<Parameter>& out) {
  for (const Member& member : members_) {
    const std::string name = join(prefix, member.name);
    if (member.child) {
      member.child->collect(name, role, out);
    } else if (!role || role == member.role) {
      out.push_back({name, member.tensor, member.init});
    }
  }
}

std::vector<Parameter> Module::members_of(std::optional<Role> role) {
  std::vector<Parameter> out;
  collect("", role, out);
  return out;
}

int64_t Module::num_parameters() {
  int64_t n = 0;
  for (const Parameter& parameter : parameters()) n += parameter.tensor->numel();
  return n;
}

void Module::initialise(uint64_t seed) {
  for (const Parameter& parameter : state()) parameter.start(seed);
}

}  // namespace tessera::nn

#include "tessera/formats/pytorch_walk.h"

#include <fmt/format.h>

#include <unordered_set>

#include "tessera/core/error.h"

namespace tessera::formats {
namespace {

using Kind = Pickle::Kind;
using Ref = Pickle::Ref;

constexpr int kMaxDepth = 200;
// What shared values may multiply to when they are spelled out: names and steps for each byte of the pickle, many times
// what a checkpoint needs, and what a small one may have in any case.
constexpr size_t kPerByte = 64, kInAnyCase = 1 << 20, kNameCost = 64;
constexpr uint64_t kSmall = 64 << 10;  // small tensors may repeat themselves freely
constexpr size_t kMaxMetadata = 1000, kMaxMetadataText = 1 << 16;

class Walk {
 public:
  Walk(const Pickle& pickle, const Storages& storages, uint64_t storage_bytes, const std::string& file)
      : pickle_(pickle),
        storages_(storages),
        budget_{storage_bytes + kSmall, 4 * storage_bytes + kSmall},
        file_(file),
        most_(kInAnyCase + kPerByte * pickle.size()),
        seen_(pickle.count(), Seen::no) {}

  PyTorchFile run() {
    if (is_tensor(pickle_, pickle_.root())) path_ = "tensor";
    visit(pickle_.root(), 0, '/');
    TESSERA_CHECK(!found_.arrays.empty(),
                  "{}: no tensors found in it; save the weights with torch.save(model.state_dict(), FILE)", file_);
    return std::move(found_);
  }

 private:
  enum class Seen : uint8_t { no, on_path, barren };

  // Takes what is at path_; whether tensors were found there. What held none is not looked into again, so that the
  // work is bounded by the number of values and of names.
  bool visit(Ref ref, int depth, char separator) {
    spend(1);
    if (is_tensor(pickle_, ref)) {
      take_tensor(ref);
      return true;
    }
    if (seen_[ref] != Seen::no) return false;
    if (is_scalar(ref)) {
      take_scalar(ref, depth);
      return false;
    }
    if (depth == kMaxDepth) fail("{}: the nesting of its pickle is deeper than {} levels", file_, kMaxDepth);
    seen_[ref] = Seen::on_path;
    const size_t before = found_.arrays.size();
    if (const auto module = module_of(ref)) {
      visit_module(*module, depth, separator);
    } else {
      visit_parts(ref, depth);
    }
    const bool any = found_.arrays.size() > before;
    seen_[ref] = any ? Seen::no : Seen::barren;
    return any;
  }

  // Work is counted, so that what is shared many times over cannot make it endless.
  void spend(size_t steps) {
    steps_ += steps;
    if (steps_ > most_) fail("{}: its pickle refers to the same values too many times", file_);
  }

  void visit_parts(Ref ref, int depth) {
    visit_pairs(pickle_.pairs(ref), depth);
    if (!pickle_.is(ref, Kind::call) && !pickle_.is(ref, Kind::object)) return visit_list(pickle_.items(ref), depth);
    visit_list(pickle_.elements(ref), depth);
    const auto arguments = pickle_.items(ref);
    if (pickle_.text(ref) == "collections.OrderedDict") {  // its attributes, if any, are a state_dict's versions
      for (const Ref argument : arguments) visit_entries(pickle_.items(argument), depth);
      return;
    }
    if (arguments.size() == 1) visit(arguments[0], depth + 1, '/');  // torch.device("cpu"), list([…])
    if (const Ref state = pickle_.state(ref); state != Pickle::kNothing) visit(state, depth + 1, '/');
  }

  void visit_pairs(std::span<const Ref> pairs, int depth) {
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) visit_under(pairs[i], i / 2, pairs[i + 1], depth, '/', '/');
  }

  // The entries of OrderedDict([[key, value], …]), as Python 2 wrote it.
  void visit_entries(std::span<const Ref> entries, int depth) {
    spend(entries.size());
    for (size_t i = 0; i < entries.size(); ++i)
      if (const auto pair = pickle_.items(entries[i]); pair.size() == 2)
        visit_under(pair[0], i, pair[1], depth, '/', '/');
  }

  void visit_list(std::span<const Ref> items, int depth) {
    spend(items.size());
    for (size_t i = 0; i < items.size(); ++i)
      if (!is_scalar(items[i])) visit_under(std::to_string(i), items[i], depth, '/', '/');
  }

  // `before` stands before the key, `inside` before the names in a module that is the value.
  void visit_under(std::string_view key, Ref value, int depth, char before, char inside) {
    spend(key.size() / 64);
    const size_t length = path_.size();
    if (!path_.empty()) path_ += before;
    path_ += key;
    visit(value, depth + 1, inside);
    path_.resize(length);
  }

  void visit_under(Ref key, size_t position, Ref value, int depth, char before, char inside) {
    visit_under(pickle_.is(key, Kind::text)      ? std::string(pickle_.text(key))
                : pickle_.is(key, Kind::integer) ? std::to_string(pickle_.integer(key))
                                                 : fmt::format("#{}", position),
                value, depth, before, inside);
  }

  // What torch.nn.Module keeps of itself.
  struct Module {
    Ref parameters = Pickle::kNothing, buffers = Pickle::kNothing, modules = Pickle::kNothing,
        not_saved = Pickle::kNothing;
  };

  std::optional<Module> module_of(Ref ref) {
    if (!pickle_.is(ref, Kind::object) && !pickle_.is(ref, Kind::call)) return std::nullopt;
    const Ref state = pickle_.state(ref);
    if (state == Pickle::kNothing) return std::nullopt;
    Module module;
    const auto pairs = pickle_.pairs(state);
    spend(pairs.size());
    for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
      if (!pickle_.is(pairs[i], Kind::text)) continue;
      const std::string_view key = pickle_.text(pairs[i]);
      if (key == "_parameters") module.parameters = pairs[i + 1];
      if (key == "_buffers") module.buffers = pairs[i + 1];
      if (key == "_modules") module.modules = pairs[i + 1];
      if (key == "_non_persistent_buffers_set") module.not_saved = pairs[i + 1];
    }
    const bool whole = module.parameters != Pickle::kNothing && module.modules != Pickle::kNothing;
    return whole ? std::optional(module) : std::nullopt;
  }

  // In the order of state_dict(). Below the first module of a path the separator is '.'.
  void visit_module(const Module& module, int depth, char separator) {
    const std::unordered_set<std::string_view> not_saved = texts_in(module.not_saved);
    for (const Ref tensors : {module.parameters, module.buffers, module.modules}) {
      if (tensors == Pickle::kNothing) continue;
      const auto pairs = pickle_.pairs(tensors);
      for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
        const bool skipped =
            tensors == module.buffers && pickle_.is(pairs[i], Kind::text) && not_saved.contains(pickle_.text(pairs[i]));
        if (!skipped && !pickle_.is(pairs[i + 1], Kind::none))
          visit_under(pairs[i], i / 2, pairs[i + 1], depth, separator, '.');
      }
    }
  }

  // The texts in a set, which is written as a set or as a call with a list.
  std::unordered_set<std::string_view> texts_in(Ref set) {
    if (set == Pickle::kNothing) return {};
    auto items = pickle_.items(set);
    if (pickle_.is(set, Kind::call) && items.size() == 1) items = pickle_.items(items[0]);
    spend(items.size());
    std::unordered_set<std::string_view> texts;
    for (const Ref item : items)
      if (pickle_.is(item, Kind::text)) texts.insert(pickle_.text(item));
    return texts;
  }

  bool is_scalar(Ref ref) const {
    switch (pickle_.kind(ref)) {
      case Kind::list:
      case Kind::tuple:
      case Kind::set:
      case Kind::dictionary:
      case Kind::call:
      case Kind::object:
        return false;
      default:
        return true;
    }
  }

  void take_scalar(Ref ref, int depth) {
    constexpr int kDeepest = 4;  // {"args": Namespace(lr=…)} has its values at depth 3
    if (depth > kDeepest || path_.size() > 1000 || found_.metadata.size() == kMaxMetadata) return;
    switch (pickle_.kind(ref)) {
      case Kind::text:
        if (const std::string_view text = pickle_.text(ref); text.size() <= kMaxMetadataText)
          found_.metadata.emplace(path_, text);
        return;
      case Kind::boolean:
        found_.metadata.emplace(path_, pickle_.integer(ref) ? "true" : "false");
        return;
      case Kind::integer:
        found_.metadata.emplace(path_, std::to_string(pickle_.integer(ref)));
        return;
      case Kind::real:
        found_.metadata.emplace(path_, fmt::format("{}", pickle_.real(ref)));
        return;
      default:
        return;
    }
  }

  void take_tensor(Ref ref) {
    name_bytes_ += path_.size() + kNameCost;
    if (name_bytes_ > most_) fail("{}: its pickle names more tensors than any model has", file_);
    const std::string what = fmt::format("{}: tensor {}", file_, in_quotes(path_));
    if (!names_.insert(path_).second) fail("{} is there twice, and one of them is hidden; save the file again", what);
    found_.arrays.emplace_back(path_, read_tensor(pickle_, ref, storages_, budget_, what));
  }

  const Pickle& pickle_;
  const Storages& storages_;
  CopyBudget budget_;
  const std::string& file_;
  const size_t most_;
  std::vector<Seen> seen_;
  PyTorchFile found_;
  std::unordered_set<std::string> names_;
  std::string path_;
  size_t steps_ = 0, name_bytes_ = 0;
};

}  // namespace

PyTorchFile collect_tensors(const Pickle& pickle, const Storages& storages, uint64_t storage_bytes,
                            const std::string& file) {
  return Walk(pickle, storages, storage_bytes, file).run();
}

}  // namespace tessera::formats

#include <algorithm>
#include <charconv>
#include <cstring>

#include "tessera/formats/array.h"
#include "tessera/formats/pickle_machine.h"

namespace tessera::formats {
namespace {

// Far more values than a checkpoint has; at a few dozen bytes each they stay well below a gigabyte.
constexpr size_t kMaxValues = 4'000'000;

bool is_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    const size_t length = first < 0x80   ? 1
                          : first < 0xc2 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    if (length == 0 || length > text.size() - i) return false;
    for (size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    if (length > 2) {  // neither longer than needed, nor a surrogate, nor above U+10FFFF
      const unsigned second = byte(i + 1);
      if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
          (first == 0xf4 && second > 0x8f))
        return false;
    }
    i += length;
  }
  return true;
}

// Whether it can be the name of a class, and can stand in a message: short, on one line, of visible characters.
bool is_name(std::string_view text) {
  constexpr size_t kLongest = 300;
  return text.size() <= kLongest && is_utf8(text) &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

// Of a class that was renamed over the years, the name that the rest of the reader knows.
std::string today(std::string_view module, std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
      {"__builtin__", "builtins"}, {"copy_reg", "copyreg"}, {"numpy._core.multiarray", "numpy.core.multiarray"}};
  for (const auto& [old, current] : kRenamed)
    if (module == old) module = current;
  return fmt::format("{}.{}", module, name);
}

}  // namespace

Pickle::Ref PickleMachine::push(Kind kind, uint32_t index, int64_t payload) {
  if (out_.values_.size() == kMaxValues) refuse("the pickle holds more than {} values", kMaxValues);
  const auto ref = static_cast<Ref>(out_.values_.size());
  out_.values_.push_back({kind, index, payload});
  stack_.push_back(ref);
  return ref;
}

void PickleMachine::push_text(Kind kind, std::string_view text) {
  // Python 2 wrote bytes and text alike.
  if (kind == Kind::text && !is_utf8(text)) kind = Kind::bytes;
  push(kind, static_cast<uint32_t>(out_.texts_.size()));
  out_.texts_.push_back(text);
}

void PickleMachine::push_unicode(std::string_view text) {
  if (!is_utf8(text)) refuse("the text {}, which is not UTF-8", in_quotes(text));
  push_text(Kind::text, text);
}

void PickleMachine::push_long(std::string_view bytes) {
  if (bytes.size() > sizeof(int64_t)) return push_text(Kind::long_bytes, bytes);
  int64_t value = !bytes.empty() && (bytes.back() & 0x80) ? -1 : 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  push(Kind::integer, 0, value);
}

void PickleMachine::push_decimal(std::string_view digits) {
  int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc() || stop != end) refuse("the number {}, which is no integer of 64 bits", in_quotes(digits));
  push(Kind::integer, 0, value);
}

void PickleMachine::push_sequence(Kind kind, std::vector<Ref> items) {
  push(kind, static_cast<uint32_t>(out_.sequences_.size()));
  out_.sequences_.push_back(std::move(items));
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  const std::string whole = today(module, name);
  if (!is_name(whole)) refuse("the class {}, which is no name", in_quotes(whole));
  const auto [known, fresh] = globals_.try_emplace(whole, static_cast<Ref>(out_.values_.size()));
  if (!fresh) return stack_.push_back(known->second);
  out_.names_.push_back(whole);
  push_text(Kind::global, out_.names_.back());
}

void PickleMachine::push_made(Kind kind, Ref callee, Ref arguments) {
  push(kind, static_cast<uint32_t>(out_.made_.size()));
  out_.made_.push_back({callee, arguments, Pickle::kNothing, {}, {}});
}

void PickleMachine::push_call(Ref callee, Ref arguments) {
  if (!out_.is(callee, Kind::global)) refuse("a call of something that is no name");
  if (!out_.is(arguments, Kind::tuple)) refuse("a call whose arguments are no tuple");
  if (const std::string_view name = out_.text(callee); !may_call_(name))
    fail(
        "{} asks for a call of {} at byte {}, which weights do not need; nothing was run. If you trust the file, save "
        "its weights alone in PyTorch: torch.save(model.state_dict(), FILE)",
        what_, name, opcode_at_);
  push_made(Kind::call, callee, arguments);
}

// Without arguments nothing could run: it makes an empty object, whose attributes are data. With arguments it is a
// call.
void PickleMachine::push_object(Ref callee, Ref arguments) {
  if (!out_.is(arguments, Kind::tuple) || !out_.items(arguments).empty()) return push_call(callee, arguments);
  if (!out_.is(callee, Kind::global)) refuse("an object of something that is no class");
  push_made(Kind::object, callee, arguments);
}

void PickleMachine::push_persistent(Ref id) {
  // PyTorch's older format saves the source of a module's class beside its name: ('module', class, file, source).
  if (const auto parts = out_.items(id); out_.is(id, Kind::tuple) && parts.size() > 1 &&
                                         out_.is(parts[0], Kind::text) && out_.text(parts[0]) == "module" &&
                                         out_.is(parts[1], Kind::global))
    return stack_.push_back(parts[1]);
  push_sequence(Kind::persistent, {id});
  out_.persistent_.push_back(stack_.back());
}

Pickle::Ref PickleMachine::pop() {
  const Ref ref = top();
  stack_.pop_back();
  return ref;
}

Pickle::Ref PickleMachine::top() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
    refuse("the stack of the pickle is empty where a value is needed");
  return stack_.back();
}

std::vector<Pickle::Ref> PickleMachine::pop_mark() {
  if (marks_.empty()) refuse("an opcode that needs a MARK, and there is none");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Ref> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleMachine::memoize(uint64_t slot) {
  memo_[slot] = top();
  if (memo_.size() > kMaxValues) refuse("the pickle remembers more than {} values", kMaxValues);
}

void PickleMachine::recall(uint64_t slot) {
  const auto found = memo_.find(slot);
  if (found == memo_.end()) refuse("slot {} of the pickle's memo, where nothing was put", slot);
  stack_.push_back(found->second);
}

void PickleMachine::append(Ref to, std::span<const Ref> items) {
  const uint32_t index = out_.values_[to].index;
  if (!out_.is(to, Kind::list) && !out_.is(to, Kind::set) && !out_.is_made(to))
    refuse("an element for something that is no list");
  auto& list = out_.is_made(to) ? out_.made_[index].elements : out_.sequences_[index];
  list.insert(list.end(), items.begin(), items.end());
}

void PickleMachine::set_items(Ref to, std::span<const Ref> items) {
  const uint32_t index = out_.values_[to].index;
  if (!out_.is(to, Kind::dictionary) && !out_.is_made(to)) refuse("an entry for something that is no dictionary");
  for (size_t i = 0; i < items.size(); i += 2)
    if (out_.is(items[i], Kind::list) || out_.is(items[i], Kind::dictionary))
      refuse("a dictionary's key that is a list or a dictionary");
  auto& pairs = out_.is_made(to) ? out_.made_[index].pairs : out_.sequences_[index];
  pairs.insert(pairs.end(), items.begin(), items.end());
}

void PickleMachine::build(Ref target, Ref state) {
  if (!out_.is_made(target)) refuse("BUILD of something that is no object");
  Ref& filled = out_.made_[out_.values_[target].index].state;
  if (filled != Pickle::kNothing) refuse("BUILD of an object that was built already");
  filled = state;
}

}  // namespace tessera::formats

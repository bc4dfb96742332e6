// Pickles as data. A pickle is a program for a small stack machine that builds Python objects; here it builds a graph
// that says what the objects would be. Nothing is looked up, imported or run: a call stands in the graph as a call, and
// one that the reader does not expect is refused by its name.
// https://docs.python.org/3/library/pickletools.html (and `python3 -m pickletools FILE`) explains the opcodes.
//
// For untrusted files: time and memory are proportional to the bytes; values refer to one another by number, so that
// cycles, sharing and nesting of any depth are built and freed without recursion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::formats {

class Pickle {
 public:
  using Ref = uint32_t;  // the number of a value
  static constexpr Ref kNothing = 0xffffffff;

  enum class Kind : uint8_t {
    none,
    boolean,
    integer,     // of 64 bits
    long_bytes,  // a longer one: its little-endian bytes
    real,
    text,  // UTF-8
    bytes,
    list,
    tuple,
    set,
    dictionary,
    global,      // a name, "module.name"
    call,        // what a call of a global would return
    object,      // an instance of a class, made without arguments: an inert bag of attributes
    persistent,  // what the file keeps outside of the pickle, by an id
  };

  // Whether a name may be called, as the reader of the graph knows what the call would return.
  using MayCall = bool (*)(std::string_view name);

  // Reads one pickle from the beginning of `bytes`, which must outlive this. `what` names it in errors.
  Pickle(std::span<const std::byte> bytes, const std::string& what, MayCall may_call);

  size_t size() const { return size_; }  // bytes of this pickle
  Ref root() const { return root_; }
  size_t count() const { return values_.size(); }                     // every Ref is below
  const std::vector<Ref>& persistent() const { return persistent_; }  // all of them, in the order of the pickle

  Kind kind(Ref ref) const { return values_[ref].kind; }
  bool is(Ref ref, Kind kind) const { return values_[ref].kind == kind; }

  int64_t integer(Ref ref) const { return values_[ref].payload; }  // of a boolean or an integer
  double real(Ref ref) const;
  // Text, bytes or long_bytes; the name of a global, and of what is called or instantiated.
  std::string_view text(Ref ref) const;
  // Elements of a list, tuple or set; arguments of a call; the one id of a persistent.
  std::span<const Ref> items(Ref ref) const;
  // Keys and values in turn: of a dictionary, or set on a call or an object (a dictionary's kin).
  std::span<const Ref> pairs(Ref ref) const;
  // What was appended to a call or an object (a list's kin).
  std::span<const Ref> elements(Ref ref) const;
  // What the attributes of a call or an object were filled from, or kNothing.
  Ref state(Ref ref) const;

 private:
  friend class PickleMachine;

  struct Value {
    Kind kind = Kind::none;
    uint32_t index = 0;   // of texts_, sequences_ or made_
    int64_t payload = 0;  // of a number
  };
  struct Made {
    Ref callee = kNothing, arguments = kNothing, state = kNothing;  // a global, a tuple, anything
    std::vector<Ref> pairs, elements;
  };

  bool is_made(Ref ref) const { return is(ref, Kind::call) || is(ref, Kind::object); }

  size_t size_ = 0;
  Ref root_ = kNothing;
  std::vector<Ref> persistent_;
  std::deque<Value> values_;
  std::deque<std::string_view> texts_;
  std::deque<std::string> names_;  // the globals' texts
  std::deque<std::vector<Ref>> sequences_;
  std::deque<Made> made_;
};

}  // namespace tessera::formats

// The stack machine that reads a pickle, for pickle.cc: pickle_machine.cc has the opcodes, pickle_values.cc what they
// do to the graph.
#pragma once

#include <fmt/format.h>

#include <unordered_map>

#include "tessera/core/error.h"
#include "tessera/formats/pickle.h"

namespace tessera::formats {

class PickleMachine {
 public:
  PickleMachine(Pickle& out, std::span<const std::byte> bytes, const std::string& what, Pickle::MayCall may_call)
      : out_(out), text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), what_(what), may_call_(may_call) {}

  void run();

 private:
  using Ref = Pickle::Ref;
  using Kind = Pickle::Kind;
  using Made = Pickle::Made;

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{} is no sound pickle: {}, at byte {}; get or save the file again", what_,
         fmt::format(format, std::forward<Args>(args)...), opcode_at_);
  }

  // One opcode: each of these takes some of them, and says whether it did.
  bool constant_step(unsigned char opcode);
  bool number_step(unsigned char opcode);
  bool text_step(unsigned char opcode);
  bool stack_step(unsigned char opcode);
  bool container_step(unsigned char opcode);
  bool object_step(unsigned char opcode);
  [[noreturn]] void refuse_opcode(unsigned char opcode) const;

  // What follows an opcode.
  template <class T>
  T get();
  std::string_view take(uint64_t size);
  std::string_view line();

  Ref push(Kind kind, uint32_t index = 0, int64_t payload = 0);
  void push_text(Kind kind, std::string_view text);
  void push_unicode(std::string_view text);
  void push_long(std::string_view bytes);
  void push_decimal(std::string_view digits);
  void push_sequence(Kind kind, std::vector<Ref> items);
  void push_global(std::string_view module, std::string_view name);
  void push_made(Kind kind, Ref callee, Ref arguments);
  void push_call(Ref callee, Ref arguments);
  void push_object(Ref callee, Ref arguments);
  void push_persistent(Ref id);

  Ref pop();
  Ref top() const;
  std::vector<Ref> pop_mark();

  void memoize(uint64_t slot);
  void recall(uint64_t slot);
  void append(Ref to, std::span<const Ref> items);
  void set_items(Ref to, std::span<const Ref> items);
  void build(Ref target, Ref state);

  Pickle& out_;
  std::string_view text_;
  const std::string& what_;
  Pickle::MayCall may_call_;
  size_t at_ = 0, opcode_at_ = 0;
  std::unordered_map<std::string, Ref> globals_;
  std::unordered_map<uint64_t, Ref> memo_;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;  // heights of the stack
};

}  // namespace tessera::formats

#include "tessera/formats/pickle_machine.h"

#include <cstring>

namespace tessera::formats {
namespace {

// The opcodes that are read. Missing are those of protocol 0, which no checkpoint uses, those of copyreg's extension
// table and those for buffers outside of the pickle.
enum Op : unsigned char {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kMark = '(',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kNone = 'N',
  kTrue = 0x88,
  kFalse = 0x89,
  kInt = 'I',
  kLong = 'L',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kLong4 = 0x8b,
  kBinFloat = 'G',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinUnicode8 = 0x8d,
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8e,
  kByteArray8 = 0x96,
  kEmptyList = ']',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyDict = '}',
  kSetItem = 's',
  kSetItems = 'u',
  kEmptySet = 0x8f,
  kAddItems = 0x90,
  kFrozenSet = 0x91,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kNewObj = 0x81,
  kNewObjEx = 0x92,
  kInst = 'i',
  kObj = 'o',
  kPersId = 'P',
  kBinPersId = 'Q',
};

}  // namespace

void PickleMachine::run() {
  for (;;) {
    opcode_at_ = at_;
    const auto opcode = get<unsigned char>();
    if (opcode == kStop) break;
    if (!constant_step(opcode) && !number_step(opcode) && !text_step(opcode) && !stack_step(opcode) &&
        !container_step(opcode) && !object_step(opcode))
      refuse_opcode(opcode);
  }
  out_.root_ = pop();  // what else may be on the stack belongs to nothing
  out_.size_ = at_;
}

void PickleMachine::refuse_opcode(unsigned char opcode) const {
  if (opcode == kPersId) refuse("a persistent id that is text, as no PyTorch file has");
  refuse("opcode 0x{:02x}, which no checkpoint needs", opcode);
}

template <class T>
T PickleMachine::get() {
  T value;
  const std::string_view bytes = take(sizeof(T));
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

std::string_view PickleMachine::take(uint64_t size) {
  const uint64_t left = text_.size() - at_;
  if (left == 0 && size > 0) refuse("the pickle is truncated");
  if (size > left) refuse("{} bytes are claimed, beyond the end of the pickle (is it truncated?)", size);
  at_ += size;
  return text_.substr(at_ - size, size);
}

std::string_view PickleMachine::line() {
  const size_t end = text_.find('\n', at_);
  if (end == std::string_view::npos) refuse("the pickle is truncated");
  const std::string_view value = take(end - at_);
  ++at_;
  return value;
}

bool PickleMachine::constant_step(unsigned char opcode) {
  switch (opcode) {
    case kProto:
      if (get<uint8_t>() > 5) refuse("a pickle of a protocol above 5");
      return true;
    case kFrame:  // says how much may be read at once
      if (const auto size = get<uint64_t>(); size > text_.size() - at_)
        refuse("a FRAME of {} bytes, beyond the end of the pickle (is it truncated?)", size);
      return true;
    case kNone:
      push(Kind::none);
      return true;
    case kTrue:
    case kFalse:
      push(Kind::boolean, 0, opcode == kTrue);
      return true;
    default:
      return false;
  }
}

bool PickleMachine::number_step(unsigned char opcode) {
  switch (opcode) {
    case kBinInt:
      push(Kind::integer, 0, get<int32_t>());
      return true;
    case kBinInt1:
      push(Kind::integer, 0, get<uint8_t>());
      return true;
    case kBinInt2:
      push(Kind::integer, 0, get<uint16_t>());
      return true;
    case kLong1:
      push_long(take(get<uint8_t>()));
      return true;
    case kLong4: {
      const auto size = get<int32_t>();
      if (size < 0) refuse("an integer of a negative length, {} bytes", size);
      push_long(take(static_cast<uint64_t>(size)));
      return true;
    }
    case kInt: {
      const std::string_view digits = line();
      if (digits == "00" || digits == "01") {  // protocol 1 spells booleans so
        push(Kind::boolean, 0, digits == "01");
      } else {
        push_decimal(digits);
      }
      return true;
    }
    case kLong: {
      std::string_view digits = line();
      if (digits.ends_with('L')) digits.remove_suffix(1);
      push_decimal(digits);
      return true;
    }
    case kBinFloat:  // big-endian
      push(Kind::real, 0, static_cast<int64_t>(__builtin_bswap64(get<uint64_t>())));
      return true;
    default:
      return false;
  }
}

bool PickleMachine::text_step(unsigned char opcode) {
  switch (opcode) {
    case kBinUnicode:
      push_unicode(take(get<uint32_t>()));
      return true;
    case kShortBinUnicode:
      push_unicode(take(get<uint8_t>()));
      return true;
    case kBinUnicode8:
      push_unicode(take(get<uint64_t>()));
      return true;
    case kBinBytes:
      push_text(Kind::bytes, take(get<uint32_t>()));
      return true;
    case kShortBinBytes:
      push_text(Kind::bytes, take(get<uint8_t>()));
      return true;
    case kBinBytes8:
    case kByteArray8:
      push_text(Kind::bytes, take(get<uint64_t>()));
      return true;
    case kBinString: {
      const auto size = get<int32_t>();
      if (size < 0) refuse("a string of a negative length, {} bytes", size);
      push_text(Kind::text, take(static_cast<uint64_t>(size)));
      return true;
    }
    case kShortBinString:
      push_text(Kind::text, take(get<uint8_t>()));
      return true;
    default:
      return false;
  }
}

bool PickleMachine::stack_step(unsigned char opcode) {
  switch (opcode) {
    case kMark:
      marks_.push_back(stack_.size());
      return true;
    case kPop:  // Python lets it drop a mark too
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case kPopMark:
      pop_mark();
      return true;
    case kDup:
      stack_.push_back(top());
      return true;
    case kBinGet:
      recall(get<uint8_t>());
      return true;
    case kLongBinGet:
      recall(get<uint32_t>());
      return true;
    case kBinPut:
      memoize(get<uint8_t>());
      return true;
    case kLongBinPut:
      memoize(get<uint32_t>());
      return true;
    case kMemoize:
      memoize(memo_.size());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::container_step(unsigned char opcode) {
  switch (opcode) {
    case kEmptyList:
      push_sequence(Kind::list, {});
      return true;
    case kEmptyTuple:
      push_sequence(Kind::tuple, {});
      return true;
    case kEmptyDict:
      push_sequence(Kind::dictionary, {});
      return true;
    case kEmptySet:
      push_sequence(Kind::set, {});
      return true;
    case kTuple:
      push_sequence(Kind::tuple, pop_mark());
      return true;
    case kTuple1:
    case kTuple2:
    case kTuple3: {
      std::vector<Ref> items(opcode - kTuple1 + 1);
      for (size_t i = items.size(); i-- > 0;) items[i] = pop();
      push_sequence(Kind::tuple, std::move(items));
      return true;
    }
    case kFrozenSet:
      push_sequence(Kind::set, pop_mark());
      return true;
    case kAppend: {
      const Ref item = pop();
      append(top(), {&item, 1});
      return true;
    }
    case kAppends:
    case kAddItems: {
      const std::vector<Ref> items = pop_mark();
      append(top(), items);
      return true;
    }
    case kSetItem: {
      const Ref value = pop(), key = pop(), pair[] = {key, value};
      set_items(top(), pair);
      return true;
    }
    case kSetItems: {
      const std::vector<Ref> items = pop_mark();
      if (items.size() % 2 != 0) refuse("SETITEMS with a key that has no value");
      set_items(top(), items);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::object_step(unsigned char opcode) {
  switch (opcode) {
    case kGlobal: {
      const std::string_view module = line(), name = line();
      push_global(module, name);
      return true;
    }
    case kStackGlobal: {
      const Ref name = pop(), module = pop();
      if (!out_.is(name, Kind::text) || !out_.is(module, Kind::text)) refuse("STACK_GLOBAL without two texts");
      push_global(out_.text(module), out_.text(name));
      return true;
    }
    case kReduce: {
      const Ref arguments = pop(), callee = pop();
      push_call(callee, arguments);
      return true;
    }
    case kNewObj: {
      const Ref arguments = pop(), callee = pop();
      push_object(callee, arguments);
      return true;
    }
    case kNewObjEx: {
      const Ref keywords = pop(), arguments = pop(), callee = pop();
      if (!out_.is(keywords, Kind::dictionary) || !out_.pairs(keywords).empty())
        refuse("an object made with arguments by name");
      push_object(callee, arguments);
      return true;
    }
    case kInst: {
      const std::string_view module = line(), name = line();
      push_sequence(Kind::tuple, pop_mark());
      const Ref arguments = pop();
      push_global(module, name);
      push_object(pop(), arguments);
      return true;
    }
    case kObj: {
      const std::vector<Ref> items = pop_mark();
      if (items.empty()) refuse("OBJ without a class");
      push_sequence(Kind::tuple, {items.begin() + 1, items.end()});
      push_object(items.front(), pop());
      return true;
    }
    case kBuild: {
      const Ref state = pop();
      build(top(), state);
      return true;
    }
    case kBinPersId:
      push_persistent(pop());
      return true;
    default:
      return false;
  }
}

}  // namespace tessera::formats

// Pickles are data: what cannot be right is refused at its byte, what is shared or nested stays small.
#include "tessera/formats/pickle.h"

#include <gtest/gtest.h>

#include "tests/support.h"

namespace tessera::formats {
namespace {

using namespace std::string_literals;
using Kind = Pickle::Kind;
using test::error_of;

bool may_call(std::string_view name) { return name == "m.f"; }

// Of the bytes, which must outlive it.
Pickle parse(const std::string& bytes) { return Pickle(std::as_bytes(std::span(bytes)), "x.pth: data.pkl", may_call); }

std::string refusal(const std::string& bytes) {
  return error_of([&] { parse(bytes); });
}

TEST(Pickle, NumbersOfEveryWidth) {
  const std::string bytes =
      "\x80\x02(J\xfe\xff\xff\xffK\xffM\xff\xff\x8a\x00\x8a\x02\x00\x80\x8a\x09"
      "123456789G\x3f\xf8\0\0\0\0\0\0I42\nI01\nL-7L\nNt."s;
  const Pickle pickle = parse(bytes);
  const auto items = pickle.items(pickle.root());
  ASSERT_EQ(items.size(), 11u);
  const int64_t expected[] = {-2, 255, 65535, 0, -32768};
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(pickle.integer(items[i]), expected[i]);
  EXPECT_EQ(pickle.text(items[5]), "123456789");
  EXPECT_TRUE(pickle.is(items[5], Kind::long_bytes));
  EXPECT_EQ(pickle.real(items[6]), 1.5);
  EXPECT_EQ(pickle.integer(items[7]), 42);
  EXPECT_TRUE(pickle.is(items[8], Kind::boolean));
  EXPECT_EQ(pickle.integer(items[9]), -7);
  EXPECT_TRUE(pickle.is(items[10], Kind::none));
  EXPECT_EQ(pickle.size(), bytes.size());
}

TEST(Pickle, CallsStayCalls) {
  const std::string bytes =
      "\x80\x02"
      "cm\nf\n(K\x01tR}X\x01\0\0\0aK\x02sb."s;
  const Pickle pickle = parse(bytes);
  EXPECT_TRUE(pickle.is(pickle.root(), Kind::call));
  EXPECT_EQ(pickle.text(pickle.root()), "m.f");
  EXPECT_EQ(pickle.integer(pickle.items(pickle.root())[0]), 1);
  const auto state = pickle.pairs(pickle.state(pickle.root()));
  EXPECT_EQ(pickle.text(state[0]), "a");
  EXPECT_EQ(pickle.integer(state[1]), 2);
}

TEST(Pickle, OnlyKnownNamesAreCalled) {
  for (const std::string call :
       {"cm\ng\n)R.", "cm\ng\nK\x01\x85R.", "cm\ng\nK\x01\x85\x81.", "(cm\ng\nK\x01o.", "(K\x01im\ng\n."})
    EXPECT_NE(refusal(call).find("x.pth: data.pkl asks for a call of m.g"), std::string::npos) << refusal(call);
  const std::string empty = "cm\ng\n)\x81.";
  EXPECT_TRUE(parse(empty).is(parse(empty).root(), Kind::object)) << "an object made of nothing runs nothing";
  EXPECT_NE(refusal("cm\nf\n)R)R.").find("a call of something that is no name"), std::string::npos);
}

TEST(Pickle, WhatCannotBeIsRefusedAtItsByte) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "truncated, at byte 0"},
      {"N", "truncated, at byte 1"},
      {".", "stack of the pickle is empty where a value is needed, at byte 0"},
      {"(0.", "stack of the pickle is empty where a value is needed, at byte 2"},
      {"K\x01)a.", "an element for something that is no list, at byte 3"},
      {"NK\x01K\x02s.", "an entry for something that is no dictionary"},
      {"}]K\x01s.", "key that is a list"},
      {"}(K\x01u.", "SETITEMS with a key that has no value"},
      {"Nt.", "needs a MARK"},
      {"N}b.", "BUILD of something that is no object"},
      {"cm\nf\n)R}b}b.", "built already"},
      {"h\x05.", "slot 5"},
      {"\x8b\xff\xff\xff\xff.", "negative length"},
      {"X\xff\xff\xff\x7f.", "2147483647 bytes are claimed, beyond the end"},
      {"X\x02\0\0\0\xc0\x80."s, "not UTF-8"},
      {"X\x03\0\0\0\xed\xa0\x80."s, "not UTF-8"},
      {"I1x\n.", "no integer of 64 bits"},
      {"Ia", "truncated"},
      {"\x80\x06N.", "protocol above 5"},
      {"Px\n.", "a persistent id that is text"},
      {"F1.5\n.", "opcode 0x46, which no checkpoint needs, at byte 0"},
      {"N\x82\x01.", "opcode 0x82, which no checkpoint needs, at byte 1"},
      {"K\x01K\x02\x93.", "STACK_GLOBAL without two texts"},
      {"cm\nf\nNR.", "arguments are no tuple"},
      {"\x8c\x02\nm\x8c\x01g\x93)R.", "the class \"\\nm.g\", which is no name, at byte 7"},
  };
  for (const auto& [bytes, says] : cases) {
    const std::string message = refusal(bytes);
    EXPECT_EQ(message.find("x.pth: data.pkl "), 0u) << message;
    EXPECT_NE(message.find(says), std::string::npos) << message << "\n  should say " << says;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

TEST(Pickle, EveryCutIsRefused) {
  const std::string whole = "\x80\x02(X\x03\0\0\0abcJ\1\2\3\4\x8a\x09"s + "123456789cm\nf\n)RI7\nt.";
  parse(whole);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)).find("truncated"), std::string::npos) << size;
}

// A long tuple that many calls share is there once, and so are the values of a memo.
TEST(Pickle, SharingCostsNothing) {
  std::string bytes = "cm\nf\nq\x01(" + std::string(100'000, 'N') + "tq\x02";
  for (int i = 0; i < 100'000; ++i) bytes += "0h\x01h\x02R";
  EXPECT_EQ(parse(bytes + ".").count(), 200'002u);
  EXPECT_NE(refusal("N" + std::string(5'000'000, '\x94') + ".").find("remembers more than 4000000"), std::string::npos);
  EXPECT_NE(refusal(std::string(5'000'000, ']') + ".").find("more than 4000000 values"), std::string::npos);
}

TEST(Pickle, NestingAndCyclesAreFreedWithoutRecursion) {
  const std::string deep = std::string(1'000'000, ']') + std::string(999'999, 'a') + ".";
  EXPECT_EQ(parse(deep).count(), 1'000'000u);
  const std::string cycle =
      "]q\x01h\x01"
      "a.";
  const Pickle pickle = parse(cycle);
  EXPECT_EQ(pickle.items(pickle.root())[0], pickle.root());
}

}  // namespace
}  // namespace tessera::formats

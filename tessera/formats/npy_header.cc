// The header of an npy file: a Python dictionary with three keys, parsed as the little language that it is and never
// run.
#include <algorithm>
#include <charconv>
#include <limits>

#include "tessera/core/error.h"
#include "tessera/formats/npy.h"

namespace tessera::formats {
namespace {

template <class... Args>
[[noreturn]] void refuse(const std::string& what, fmt::format_string<Args...> format, Args&&... args) {
  fail("{} is no sound npy array: {}; get or save it again", what, fmt::format(format, std::forward<Args>(args)...));
}

// A cursor over the dictionary's text. It never recurses: the only nesting is that of the shape's tuple.
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& what) : text_(text), what_(what) {}

  NpyHeader parse() {
    NpyHeader header;
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      const size_t field = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (field == 3) refuse(what_, "its header has a key {} that npy does not know", in_quotes(key));
      if (std::exchange(seen[field], true)) refuse(what_, "its header has {} twice", key);
      if (field == 0) descr(header);
      if (field == 1) header.fortran_order = boolean();
      if (field == 2) header.shape = tuple();
      if (!accept(',') && peek() != '}') malformed();
    }
    skip_spaces();
    if (at_ != text_.size()) malformed();
    if (!seen[0] || !seen[1] || !seen[2]) refuse(what_, "its header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  [[noreturn]] void malformed() const { refuse(what_, "its header is malformed at character {}", at_); }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed();
  }

  std::string_view string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') malformed();
    const size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) malformed();
    const std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    skip_spaces();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    refuse(what_, "fortran_order in its header is neither True nor False");
  }

  int64_t integer() {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) refuse(what_, "its shape is too large");
    if (error != std::errc()) malformed();
    if (value < 0) refuse(what_, "its shape has a negative extent, {}", value);
    at_ = static_cast<size_t>(end - text_.data());
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // as Python 2 wrote long integers
    return value;
  }

  Shape tuple() {
    std::vector<int64_t> extents;
    expect('(');
    while (peek() != ')') {
      if (extents.size() == kMaxRank) refuse(what_, "its shape has more than {} axes", kMaxRank);
      extents.push_back(integer());
      if (!accept(',') && (peek() != ')' || extents.size() == 1)) malformed();  // (3) is no tuple
    }
    expect(')');
    return Shape(std::move(extents));
  }

  void descr(NpyHeader& header) {
    if (peek() == '[') fail("{} has a structured dtype (a record of fields); save each field as an array", what_);
    const std::string_view text = string();
    if (text.size() >= 2) {
      const auto type = type_of(text.substr(1));
      const bool one_byte = type && size_of(*type) == 1;
      const bool ordered = text[0] == '<' || text[0] == '>' || (text[0] == '|' && (one_byte || type == FileType::BF16));
      if (type && ordered) {
        header.type = *type;
        header.big_endian = text[0] == '>' && !one_byte;
        return;
      }
      if (text[1] == 'O')
        fail("{} has dtype {}: object arrays are pickles, which are never read; save numbers", what_, in_quotes(text));
    }
    fail("{} has dtype {}, which tessera does not read; convert it to float32 or int64", what_, in_quotes(text));
  }

  static std::optional<FileType> type_of(std::string_view code) {
    constexpr std::pair<std::string_view, FileType> kCodes[] = {
        {"f4", FileType::F32}, {"f8", FileType::F64}, {"f2", FileType::F16}, {"V2", FileType::BF16},
        {"i8", FileType::I64}, {"i4", FileType::I32}, {"i2", FileType::I16}, {"i1", FileType::I8},
        {"u8", FileType::U64}, {"u4", FileType::U32}, {"u2", FileType::U16}, {"u1", FileType::U8},
        {"b1", FileType::BOOL}};
    for (const auto& [name, type] : kCodes)
      if (code == name) return type;
    return std::nullopt;
  }

  std::string_view text_;
  const std::string& what_;
  size_t at_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> head, uint64_t file_size, const std::string& what) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.substr(0, 6) != "\x93NUMPY") refuse(what, "it does not begin as npy files do");
  const auto byte_at = [&](size_t i) -> uint64_t {
    if (i >= head.size()) refuse(what, "its header is truncated");
    return static_cast<uint64_t>(head[i]);
  };
  const uint64_t major = byte_at(6), minor = byte_at(7);
  if (major < 1 || major > 3 || minor != 0)
    refuse(what, "its version is {}.{}, but only 1.0, 2.0 and 3.0 exist", major, minor);
  const size_t text_begin = major == 1 ? 10 : 12;
  uint64_t length = byte_at(8) | byte_at(9) << 8;
  if (major > 1) length |= byte_at(10) << 16 | byte_at(11) << 24;
  const uint64_t data_begin = text_begin + length;
  if (data_begin > kMaxNpyHeader || data_begin > head.size())
    refuse(what, "its header claims {} bytes, beyond its end or the limit of {}", length, kMaxNpyHeader);

  NpyHeader header = Dictionary(text.substr(text_begin, length), what).parse();
  header.data_begin = data_begin;
  const auto bytes = byte_count(header.type, header.shape);
  if (!bytes) refuse(what, "its shape {} is too large", to_string(header.shape));
  if (*bytes != file_size - data_begin)
    refuse(what, "shape {} of {} takes {} bytes, but {} follow the header", to_string(header.shape),
           name_of(header.type), *bytes, file_size - data_begin);
  return header;
}

}  // namespace tessera::formats

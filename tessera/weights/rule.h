// Which array of a file becomes which parameter: rules over names.
//
//   {"encoder.layers.encoder_layer_{i}.ln_1.{p}", "blocks.{i}.norm1.{p}"}
//
// {anything} stands for one or more characters other than '.' and '/', the same ones on both sides. One array may feed
// several parameters, or several arrays one. {i+1} is a number that is greater by one than {i} of the other side.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tessera::weights {

// One of `of` equal blocks of rows.
struct Part {
  int index = 0, of = 1;
  bool whole() const { return of == 1; }
};

struct Rule {
  std::string from, to;        // patterns of the array's name and of the parameter's (timm's)
  std::string rearrange = {};  // of the array's axes to the parameter's (rearrange.h)
  Part part = {};              // of the parameter that the array is
  Part take = {};              // of the array that is used, before it is rearranged
  bool old = false;            // another spelling, which is read and not written
  std::string with = {};       // read only from a file that has an array of this name
  std::string without = {};    // read only from a file that has none
};

using Captures = std::map<std::string, std::string>;

// What the pattern's placeholders stand for in `name`; nothing where it does not match.
std::optional<Captures> match(std::string_view pattern, std::string_view name);
// The pattern with its placeholders filled in.
std::string filled(std::string_view pattern, const Captures& captures);

// The start of the first tail of `name` that begins at its beginning or behind a '.' or '/' and matches `pattern`.
std::optional<size_t> match_tail(std::string_view pattern, std::string_view name);

// Whether `name` matches a pattern of a user's, in which * stands for any characters.
bool matches_glob(std::string_view pattern, std::string_view name);

}  // namespace tessera::weights

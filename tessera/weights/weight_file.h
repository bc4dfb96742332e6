// A file of weights as its author wrote it: whose names it uses, which array becomes which parameter, and what model
// that makes. Nothing is copied yet.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tessera/formats/array.h"
#include "tessera/models/registry.h"
#include "tessera/weights/origin.h"
#include "tessera/weights/rearrange.h"

namespace tessera::weights {

// What a user may say of a file.
struct Naming {
  std::string origin = {};           // one of origins(); "": recognised
  std::filesystem::path rules = {};  // a rules file (rules_file.h) in its place
};

// An array that a parameter, or a part of it, is made of.
struct Piece {
  size_t array = 0;  // index into WeightFile::arrays
  Rule rule;
};

// All that one parameter is made of, in the order of its parts.
struct Feed {
  std::string parameter;
  Shape shape;  // as the arrays make it
  std::vector<Piece> pieces;
};

struct WeightFile {
  std::filesystem::path path;   // the file, where a folder was given
  std::string format;           // for people: "PyTorch"
  std::string origin;           // "timm", the rules file, or "" where no naming is known
  Origin convention;            // of this origin
  formats::NamedArrays arrays;  // the model's, without what wrappers put in front of their names
  std::string wrapper;          // what that was: "state_dict/module."
  formats::NamedArrays beside;  // the other arrays of the file: optimisers, losses
  formats::Metadata metadata;
  std::vector<Feed> feeds;
  std::map<std::string, size_t> feed_of;  // by parameter: index into feeds
  std::vector<size_t> unused;             // arrays that no rule takes
  Extents extents;                        // that rearrangements need and shapes do not tell

  std::string architecture;          // JSON object: what the file says and its shapes tell; empty where nothing does
  std::vector<std::string> unknown;  // keys that are still to be said
  std::vector<std::string> assumed;  // sentences: what could be otherwise
  std::vector<std::string> class_names;
  std::filesystem::path config;  // the config.json beside it, if it was read
  std::string name;              // of the model, as the file or its name says: "vit_base_patch16_224"; or ""

  const Feed* feed(const std::string& parameter) const;  // null where nothing feeds it
};

// path: a file or a folder (formats/open.h). settings: keys of the architecture that the user says. Errors name the
// file and the array.
WeightFile open_weights(const std::filesystem::path& path, const Naming& naming = {},
                        const models::Settings& settings = {});

// The elements of a feed in the parameter's order and shape, f32. Pages of a mapped file are forgotten behind it.
void read_feed(const WeightFile& file, const Feed& feed, std::span<float> out);

}  // namespace tessera::weights

// The model that `tessera train` begins with.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/cli/model_choice.h"
#include "tessera/data/data_set.h"
#include "tessera/train/teacher.h"

namespace tessera::cli {

// What a data set says of its pictures' size, or where it does not know, what some of them have in common; height 0
// where they differ.
data::PictureShape typical_shape(const data::DataSet& set);

struct StartingPoint {
  std::unique_ptr<models::Model> model;  // initialised, or filled from a file
  std::string name;                      // for people and folders
  image::Preprocess preprocess;
  std::vector<std::string> remarks = {};  // what became of a file's weights
};

// The model chosen, with as many classes as the data; where none is chosen, one that suits the pictures' size.
// from: a model file or weights of another origin, which are the start; its head is kept only if its classes are the
// data's. preprocess: KEY=VALUE texts.
StartingPoint starting_point(const SourceChoice& source, const std::string& from,
                             const std::vector<std::string>& preprocess, const data::DataSet& set, uint64_t seed);

// The model of a file as a teacher. What was assumed of it is added to the notes. An Error where it tells other classes
// apart than the data set, which the user called `data`.
std::unique_ptr<train::Teacher> teacher_from(const std::string& file, const data::DataSet& set, const std::string& data,
                                             std::vector<std::string>& notes);

}  // namespace tessera::cli

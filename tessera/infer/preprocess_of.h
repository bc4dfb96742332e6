// How pictures are prepared for a model: what its file says, or else what is usual where it comes from.
#pragma once

#include <string>

#include "tessera/image/preprocess.h"
#include "tessera/weights/model_file.h"

namespace tessera::infer {

// An Error where a model reads no pictures.
void require_pictures(const models::PictureSize& input);

// As the file itself says, else the preprocessor_config.json or config.json beside it, else as is usual for its origin
// (image::usual_preprocess); brought to the model's input size, where that is another.
image::Preprocess preprocess_of(const weights::LoadedModel& loaded);

// What is assumed where nobody says: the model's input size, its normalisation where it has one, the rest as in
// Preprocess; gray is brought to [-1, 1].
image::Preprocess default_preprocess(const models::Model& model);

// An Error where pictures so prepared are not what the model takes: of another size, or with other means and deviations
// than it can compute with.
void check_suits(const image::Preprocess& how, const models::Model& model);

// As a model file holds it (weights::ModelInfo), and back. What is wrong with the text is an Error without a place.
std::string to_json(image::Preprocess how);
image::Preprocess stored_preprocess(const std::string& json);

}  // namespace tessera::infer

// Texts about models and their files.
#pragma once

#include <filesystem>
#include <string>

#include "tessera/image/preprocess.h"
#include "tessera/models/model.h"
#include "tessera/weights/model_file.h"

namespace tessera::cli {

// "shorter side to 256 (bicubic), centre crop 224x224 RGB, mean 0.5,0.5,0.5, std 0.5,0.5,0.5"
std::string describe(const image::Preprocess& how);

// What of its pictures a model never sees: where their size is no multiple of the patch. Empty where it sees all.
std::string cut_off(const models::Model& model);

// Prints size, parameters, operations and architecture.
void print_model(models::Model& model);

// Prints a picture's way through the model: the shapes in one line, then each step with its parameters and operations.
void print_shapes(models::Model& model);

// Prints a line for each parameter that holds NaN or infinity: such weights load, and predict nothing of use.
void print_findings(models::Model& model);

// Prints a JSON object below a heading, a line for each key; nothing where it is empty.
void print_object(const char* heading, const std::string& json);

// Prints what a model file of tessera's, or a checkpoint, is.
void describe_model(const std::filesystem::path& path, const weights::LoadOptions& options, bool shapes);

}  // namespace tessera::cli

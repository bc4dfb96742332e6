// A model's parameters under the names and in the layout of another library: the way back of weight_file.h, by the same
// rules.
#pragma once

#include <string>

#include "tessera/formats/array.h"
#include "tessera/models/model.h"
#include "tessera/weights/origin.h"

namespace tessera::weights {

// The naming under which a library has models of this family: "hf-swin" of "hf" for a Swin Transformer.
const Origin& written_as(const std::string& library, const models::Model& model);

// library: as above. An Error says what of this model the other library has no place for. Arrays look at the
// model's parameters where nothing is rearranged: it must outlive them.
formats::NamedArrays exported(models::Model& model, const std::string& library);

// What the other library would compute otherwise with these weights, unless it is told: "act is gelu_erf, …". Empty
// where nothing differs.
std::string difference(const models::Model& model, const std::string& library);

}  // namespace tessera::weights

// Between arrays of files and tensors.
#pragma once

#include "tessera/core/tensor.h"
#include "tessera/formats/array.h"

namespace tessera::formats {

// A new f32 tensor of the array's shape, its elements converted from any type.
Tensor to_tensor(const Array& array);

// The tensor's elements under its shape and type, shared and not copied: for writing.
Array array_of(const Tensor& tensor);

}  // namespace tessera::formats

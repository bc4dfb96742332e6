#include "tessera/formats/tensor.h"

namespace tessera::formats {
namespace {

FileType file_type_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return FileType::F32;
    case DType::bf16:
      return FileType::BF16;
    case DType::s8:
      return FileType::I8;
    case DType::u8:
      return FileType::U8;
    case DType::s32:
      return FileType::I32;
    case DType::i64:
      return FileType::I64;
  }
  fail("a tensor of unknown type cannot be written");
}

}  // namespace

Tensor to_tensor(const Array& array) {
  Tensor tensor = Tensor::empty(array.shape);
  copy_to_f32(array, tensor.span());
  return tensor;
}

Array array_of(const Tensor& tensor) {
  const auto owner = std::make_shared<const Tensor>(tensor.detach());
  return {file_type_of(tensor.dtype()), tensor.shape(), {owner->raw(), owner->bytes()}, owner};
}

}  // namespace tessera::formats

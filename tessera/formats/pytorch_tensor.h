// Tensors in the pickles of PyTorch's files, for pytorch_*.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tessera/formats/array.h"
#include "tessera/formats/pickle.h"

namespace tessera::formats {

// The calls that are allowed: those that make tensors, and those that make plain values.
bool is_known_call(std::string_view name);

// Whether a value is a call that makes a tensor.
bool is_tensor(const Pickle& pickle, Pickle::Ref ref);

// What a persistent id says of a storage.
struct StorageId {
  std::string key;
  std::optional<FileType> type;  // none: bytes, whose meaning the tensor says
  uint64_t count = 0;            // elements
  // Older files: the part of the storage that is meant.
  uint64_t view_begin = 0, view_count = 0;

  uint64_t bytes() const { return count * size_of(type.value_or(FileType::U8)); }  // does not overflow
};

// `what` names the file, and the tensor where there is one, in errors.
StorageId parse_storage(const Pickle& pickle, Pickle::Ref persistent, const std::string& what);

// The bytes of a storage, exactly id.bytes() of them.
using Storages = std::function<HeldBytes(const StorageId&, const std::string& what)>;

// What copies of strided views may take, in bytes: views may repeat elements without end.
struct CopyBudget {
  uint64_t one = 0, all = 0;
};

// The tensor that a call makes. Takes its copy, if it needs one, out of the budget.
Array read_tensor(const Pickle& pickle, Pickle::Ref ref, const Storages& storages, CopyBudget& budget,
                  const std::string& what);

}  // namespace tessera::formats

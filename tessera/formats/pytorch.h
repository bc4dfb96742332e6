// PyTorch's files: what torch.save writes today (a zip archive with a pickle and one member for each storage) and what
// it wrote before version 1.6 (pickles, then storages). https://pytorch.org/docs/stable/notes/serialization.html
//
// Their pickles are read as data (pickle.h) and never run: calls other than those that tensors and plain values are
// made of are refused by name. Objects of unknown classes are inert bags of attributes.
#pragma once

#include <filesystem>

#include "tessera/formats/array.h"
#include "tessera/formats/zip.h"

namespace tessera::formats {

struct PyTorchFile {
  // Every tensor, in the file's order. The keys of nested dictionaries, the attributes of objects and the positions in
  // lists are joined by '/': "model/head.weight", "optimizer/state/0/exp_avg"; a tensor that is the whole file is
  // called "tensor". The tensors of a module that was saved whole have the names that its state_dict() would give them.
  // A tensor that occurs twice has both names. Views of the mapped file where the tensor is contiguous in it, else
  // copies, all of them together no larger than the storages.
  NamedArrays arrays;
  // Text, numbers and truth values beside the tensors, in dictionaries and attributes near the root: "epoch", "arch",
  // "args/lr".
  Metadata metadata;
};

// Any PyTorch file. Errors name the file and the tensor; a file without any tensor is an Error.
PyTorchFile read_pytorch(const std::filesystem::path& path);

// Whether an archive is PyTorch's, by the names of its members.
bool is_pytorch(const ZipFile& zip);

PyTorchFile read_pytorch(const ZipFile& zip);

}  // namespace tessera::formats

#include "tessera/formats/open.h"

#include <algorithm>
#include <cctype>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/formats/npz.h"
#include "tessera/formats/pytorch.h"
#include "tessera/formats/safetensors.h"
#include "tessera/formats/shards.h"
#include "tessera/formats/sniff.h"
#include "tessera/formats/zip.h"

namespace tessera::formats {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

bool ends_in_npy(const ZipMember& member) { return member.name.ends_with(".npy"); }

ArrayFile read_zip(const fs::path& path) {
  const ZipFile zip(path);
  const auto& members = zip.members();
  if (!is_pytorch(zip) && (lower_extension(path) == ".npz" || std::any_of(members.begin(), members.end(), ends_in_npy)))
    return {"npz", read_npz(zip), {}};
  PyTorchFile file = read_pytorch(zip);
  return {"PyTorch", std::move(file.arrays), std::move(file.metadata)};
}

ArrayFile read_one(const fs::path& path) {
  const auto head = read_file(path, 64);
  const FileKind kind = kind_of(head);
  if (kind == FileKind::zip || (kind == FileKind::unknown && lower_extension(path) == ".npz")) return read_zip(path);
  if (kind == FileKind::safetensors || (kind == FileKind::unknown && lower_extension(path) == ".safetensors")) {
    SafeTensors file = read_safetensors(path);
    return {"safetensors", std::move(file.arrays), std::move(file.metadata)};
  }
  if (kind == FileKind::pickle) {
    PyTorchFile file = read_pytorch(path);
    return {"PyTorch before 1.6", std::move(file.arrays), std::move(file.metadata)};
  }
  refuse_as_weights(path, kind);
}

bool is_weights(const fs::path& path) {
  const std::string extension = lower_extension(path);
  for (const char* known : {".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".npz"})
    if (extension == known) return true;
  return false;
}

}  // namespace

bool is_shard_index(const fs::path& path) { return path.filename().string().ends_with(".index.json"); }

fs::path weights_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path;
  for (const char* name :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (fs::exists(path / name, error)) return path / name;
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(path, error))
    if (is_weights(entry.path())) found.push_back(entry.path().filename().string());
  TESSERA_CHECK(!error, "cannot read the folder {}: {}", path.string(), error.message());
  TESSERA_CHECK(!found.empty(),
                "{}: a folder without weights (model.safetensors, pytorch_model.bin, or a single .safetensors, .pth, "
                ".pt, .bin, .ckpt or .npz)",
                path.string());
  std::sort(found.begin(), found.end(), natural_less);
  TESSERA_CHECK(found.size() == 1, "{}: a folder with several files of weights ({}); name the one that you mean",
                path.string(), list_some(found));
  return path / found[0];
}

ArrayFile read_arrays(const fs::path& path) {
  const fs::path file = weights_file(path);
  return is_shard_index(file) ? read_shards(file, read_one) : read_one(file);
}

}  // namespace tessera::formats

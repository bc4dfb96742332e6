#include "tessera/formats/pytorch.h"

#include <fmt/format.h>

#include <unordered_map>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/pytorch_legacy.h"
#include "tessera/formats/pytorch_walk.h"
#include "tessera/formats/sniff.h"

namespace tessera::formats {
namespace {

constexpr std::string_view kPickleName = "data.pkl";
constexpr uint64_t kMaxPickle = 64 << 20;

// "archive/" of "archive/data.pkl", or nothing.
std::optional<std::string> root_of_pickle(const std::string& name) {
  if (!name.ends_with(kPickleName)) return std::nullopt;
  const std::string root = name.substr(0, name.size() - kPickleName.size());
  return root.empty() || root.back() == '/' ? std::optional(root) : std::nullopt;
}

// The folder within the archive in which everything lies.
std::string find_root(const ZipFile& zip) {
  const std::string file = zip.path().string();
  std::optional<std::string> root;
  for (const ZipMember& member : zip.members()) {
    const auto found = root_of_pickle(member.name);
    if (!found) continue;
    TESSERA_CHECK(!root, "{}: it has two pickles, {} and {}; which one is meant cannot be known", file,
                  in_quotes(*root + std::string(kPickleName)), in_quotes(member.name));
    root = found;
  }
  TESSERA_CHECK(root, "{}: a zip archive without data.pkl is no PyTorch file", file);
  const bool script = zip.find(*root + "constants.pkl") ||
                      std::any_of(zip.members().begin(), zip.members().end(),
                                  [&](const ZipMember& member) { return member.name.starts_with(*root + "code/"); });
  TESSERA_CHECK(!script,
                "{}: a TorchScript archive, a program with weights; save the weights alone in PyTorch: "
                "torch.save(torch.jit.load(FILE).state_dict(), NEW_FILE)",
                file);
  return *root;
}

void check_byte_order(const ZipFile& zip, const std::string& root) {
  const ZipMember* member = zip.find(root + "byteorder");
  if (!member) return;  // files before PyTorch 2.1, all little-endian in practice
  const std::vector<std::byte> bytes = zip.head(*member, 16);
  const std::string_view order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  TESSERA_CHECK(
      order != "big",
      "{}: written on a big-endian machine, which tessera does not read; load it in PyTorch and save it again",
      zip.path().string());
  TESSERA_CHECK(order == "little",
                "{}: its byteorder is {}, and only \"little\" or \"big\" exist; get or save it again",
                zip.path().string(), in_quotes(order));
}

// Each storage is read once, whoever asks for it.
class ZipStorages {
 public:
  ZipStorages(const ZipFile& zip, std::string root) : zip_(zip), root_(std::move(root)) {}

  HeldBytes get(const StorageId& id, const std::string& what) {
    const std::string name = "data/" + id.key;
    const ZipMember* member = zip_.find(root_ + name);
    TESSERA_CHECK(member, "{}: its storage {} is not in the archive; get or save the file again", what, name);
    TESSERA_CHECK(member->size == id.bytes(),
                  "{}: its storage {} should have {} bytes, but has {}; get or save the "
                  "file again",
                  what, name, id.bytes(), member->size);
    auto [at, fresh] = read_.try_emplace(id.key);
    if (fresh) at->second = zip_.read(*member);
    return at->second;
  }

 private:
  const ZipFile& zip_;
  std::string root_;
  std::unordered_map<std::string, HeldBytes> read_;
};

}  // namespace

bool is_pytorch(const ZipFile& zip) {
  return std::any_of(zip.members().begin(), zip.members().end(),
                     [](const ZipMember& member) { return root_of_pickle(member.name).has_value(); });
}

PyTorchFile read_pytorch(const ZipFile& zip) {
  const std::string file = zip.path().string(), root = find_root(zip);
  check_byte_order(zip, root);
  const ZipMember& member = *zip.find(root + std::string(kPickleName));
  const std::string what = fmt::format("{}: {}", file, kPickleName);
  TESSERA_CHECK(member.size <= kMaxPickle, "{} claims {} bytes, and no checkpoint needs more than {}", what,
                member.size, kMaxPickle);
  const HeldBytes contents = zip.read(member);
  const Pickle pickle(contents.bytes, what, is_known_call);
  TESSERA_CHECK(pickle.size() == contents.bytes.size(),
                "{} goes on for {} bytes after its end; get or save the file "
                "again",
                what, contents.bytes.size() - pickle.size());
  uint64_t storage_bytes = 0;
  for (const ZipMember& each : zip.members()) storage_bytes += each.size;
  ZipStorages storages(zip, root);
  return collect_tensors(
      pickle, [&](const StorageId& id, const std::string& who) { return storages.get(id, who); }, storage_bytes, file);
}

PyTorchFile read_pytorch(const std::filesystem::path& path) {
  return kind_of(read_file(path, 64)) == FileKind::pickle ? read_pytorch_legacy(path) : read_pytorch(ZipFile(path));
}

}  // namespace tessera::formats

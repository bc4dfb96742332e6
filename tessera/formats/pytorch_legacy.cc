#include "tessera/formats/pytorch_legacy.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <unordered_map>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/pytorch_walk.h"

namespace tessera::formats {
namespace {

using Kind = Pickle::Kind;
using Ref = Pickle::Ref;

constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);  // 0x1950a86a20f9469cfc6c
constexpr int64_t kProtocol = 1001;

class Legacy {
 public:
  explicit Legacy(const std::filesystem::path& path)
      : file_(path.string()), mapping_(std::make_shared<const MappedFile>(path)), bytes_(mapping_->bytes()) {}

  PyTorchFile read() {
    check_preamble();
    const Pickle object = next("its object");
    const Pickle keys = next("its list of storages");
    index_storages(object, keys);
    return collect_tensors(
        object, [&](const StorageId& id, const std::string& what) { return get(id, what); }, bytes_.size(), file_);
  }

 private:
  struct Storage {
    StorageId id;
    uint64_t begin = 0;  // byte of the file
    bool found = false;
  };

  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{} is no sound PyTorch file: {}; get or save it again", file_,
         fmt::format(format, std::forward<Args>(args)...));
  }

  // Each pickle begins where the last one ends.
  Pickle next(const char* what) {
    Pickle pickle(bytes_.subspan(at_), fmt::format("{}: {}", file_, what), is_known_call);
    at_ += pickle.size();
    return pickle;
  }

  void check_preamble() {
    constexpr size_t kLongest = 64;  // bytes of a pickle of the magic number
    const std::string_view head(reinterpret_cast<const char*>(bytes_.data()), std::min(bytes_.size(), kLongest));
    TESSERA_CHECK(head.find(kMagic) != std::string_view::npos,
                  "{}: a pickle, but not a PyTorch file (it lacks the magic number); load it in Python and save its "
                  "weights with torch.save or safetensors",
                  file_);
    const Pickle magic = next("its magic number");
    if (!magic.is(magic.root(), Kind::long_bytes) || magic.text(magic.root()) != kMagic)
      refuse("its magic number is not alone");
    const Pickle protocol = next("its protocol");
    if (!protocol.is(protocol.root(), Kind::integer)) refuse("its protocol is no number");
    if (const int64_t number = protocol.integer(protocol.root()); number != kProtocol)
      refuse("its protocol is {}, and only {} exists", number, kProtocol);
    const Pickle machine = next("its system information");
    const auto pairs = machine.pairs(machine.root());
    for (size_t i = 0; i + 1 < pairs.size(); i += 2)
      if (machine.is(pairs[i], Kind::text) && machine.text(pairs[i]) == "little_endian" &&
          machine.is(pairs[i + 1], Kind::boolean))
        TESSERA_CHECK(machine.integer(pairs[i + 1]),
                      "{}: written on a big-endian machine, which tessera does not read; load it in PyTorch and save "
                      "it again",
                      file_);
  }

  // Where the storages lie: in the order of the keys, each with the type and the count that the object says.
  void index_storages(const Pickle& object, const Pickle& keys) {
    for (const Ref ref : object.persistent()) {
      StorageId id = parse_storage(object, ref, file_);
      const auto [known, fresh] = storages_.try_emplace(id.key, Storage{id});
      if (!fresh && known->second.id.bytes() != id.bytes())
        refuse("storage {} has {} bytes here and {} there", in_quotes(id.key), known->second.id.bytes(), id.bytes());
    }
    if (!keys.is(keys.root(), Kind::list)) refuse("its list of storages is no list");
    for (const Ref ref : keys.items(keys.root())) {
      if (!keys.is(ref, Kind::text)) refuse("the key of a storage is no text");
      const std::string key(keys.text(ref)), name = in_quotes(key);
      const auto found = storages_.find(key);
      if (found == storages_.end()) refuse("it has a storage with the key {}, which no tensor of it has", name);
      Storage& storage = found->second;
      if (std::exchange(storage.found, true)) refuse("storage {} is there twice", name);
      int64_t count;
      if (bytes_.size() - at_ < sizeof count) refuse("it is truncated before storage {}", name);
      std::memcpy(&count, bytes_.data() + at_, sizeof count);
      at_ += sizeof count;
      if (count < 0 || static_cast<uint64_t>(count) != storage.id.count)
        refuse("storage {} claims {} elements, but its tensors say {}", name, count, storage.id.count);
      if (storage.id.bytes() > bytes_.size() - at_)
        refuse("storage {} of {} bytes is truncated: {} are left", name, storage.id.bytes(), bytes_.size() - at_);
      storage.begin = at_;
      at_ += storage.id.bytes();
    }
    if (at_ != bytes_.size()) refuse("{} bytes follow its last storage", bytes_.size() - at_);
  }

  HeldBytes get(const StorageId& id, const std::string& what) const {
    const Storage& storage = storages_.at(id.key);
    TESSERA_CHECK(storage.found, "{}: its storage {} is not in the file; get or save it again", what,
                  in_quotes(id.key));
    return {bytes_.subspan(storage.begin, storage.id.bytes()), mapping_, true};
  }

  std::string file_;
  std::shared_ptr<const MappedFile> mapping_;
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  std::unordered_map<std::string, Storage> storages_;
};

}  // namespace

PyTorchFile read_pytorch_legacy(const std::filesystem::path& path) { return Legacy(path).read(); }

}  // namespace tessera::formats

#include "tessera/formats/pytorch_tensor.h"

#include <algorithm>
#include <cctype>
#include <memory>

#include "tessera/core/error.h"
#include "tessera/formats/strided.h"

namespace tessera::formats {
namespace {

using Kind = Pickle::Kind;
using Ref = Pickle::Ref;

template <class... Args>
[[noreturn]] void refuse(const std::string& what, fmt::format_string<Args...> format, Args&&... args) {
  fail("{}: {}; get or save the file again", what, fmt::format(format, std::forward<Args>(args)...));
}

constexpr std::string_view kConvert = "which tessera does not read; convert it to float32 in PyTorch";

// Of "torch.FloatStorage", "torch.cuda.FloatStorage" … and of "torch.float32" …
struct TypeName {
  std::string_view storage, dtype;
  FileType type;
};
constexpr TypeName kTypes[] = {
    {"FloatStorage", "float32", FileType::F32},
    {"HalfStorage", "float16", FileType::F16},
    {"BFloat16Storage", "bfloat16", FileType::BF16},
    {"DoubleStorage", "float64", FileType::F64},
    {"LongStorage", "int64", FileType::I64},
    {"IntStorage", "int32", FileType::I32},
    {"ShortStorage", "int16", FileType::I16},
    {"CharStorage", "int8", FileType::I8},
    {"ByteStorage", "uint8", FileType::U8},
    {"BoolStorage", "bool", FileType::BOOL},
    {"", "uint16", FileType::U16},
    {"", "uint32", FileType::U32},
    {"", "uint64", FileType::U64},
};

std::optional<FileType> type_of_storage(std::string_view name, const std::string& what) {
  if (name == "torch.storage.UntypedStorage" || name == "torch.UntypedStorage") return std::nullopt;
  for (const std::string_view prefix : {"torch.cuda.", "torch."}) {
    if (!name.starts_with(prefix)) continue;
    for (const TypeName& row : kTypes)
      if (!row.storage.empty() && name.substr(prefix.size()) == row.storage) return row.type;
  }
  fail("{}: its storage is a {}, {}", what, name, kConvert);
}

FileType type_of_dtype(const Pickle& pickle, Ref ref, const std::string& what) {
  if (!pickle.is(ref, Kind::global)) refuse(what, "its dtype is no type");
  const std::string_view name = pickle.text(ref);
  for (const TypeName& row : kTypes)
    if (name.starts_with("torch.") && name.substr(6) == row.dtype) return row.type;
  fail("{}: it is of type {}, {}", what, name, kConvert);
}

// What a view is, as the arguments of a call say it.
struct View {
  Ref storage = Pickle::kNothing;
  int64_t offset = 0;
  Shape shape;
  std::vector<int64_t> strides;
  std::optional<Ref> dtype;
};

std::vector<int64_t> integers(const Pickle& pickle, Ref ref, const char* name, const std::string& what) {
  if (pickle.is(ref, Kind::call) && pickle.text(ref) == "torch.Size" && pickle.items(ref).size() == 1)
    ref = pickle.items(ref)[0];
  if (!pickle.is(ref, Kind::tuple) && !pickle.is(ref, Kind::list)) refuse(what, "its {} is no list of integers", name);
  const auto items = pickle.items(ref);
  if (items.size() > kMaxRank) refuse(what, "its {} has more than {} axes", name, kMaxRank);
  std::vector<int64_t> values;
  for (const Ref item : items) {
    if (!pickle.is(item, Kind::integer)) refuse(what, "its {} has something that is no integer of 64 bits", name);
    values.push_back(pickle.integer(item));
    if (values.back() < 0) refuse(what, "its {} has a negative number, {}", name, values.back());
  }
  return values;
}

// Parameters and subclasses of tensors are made around a tensor: the call that makes it, with its arguments.
struct Maker {
  std::string_view name;
  std::span<const Ref> arguments;
};

Maker innermost(const Pickle& pickle, Ref ref, const std::string& what) {
  Maker maker{pickle.text(ref), pickle.items(ref)};
  constexpr int kMostWrappers = 8;
  for (int i = 0; i < kMostWrappers; ++i) {
    const auto arguments = maker.arguments;
    if (maker.name == "torch._utils._rebuild_parameter" || maker.name == "torch._utils._rebuild_parameter_with_state") {
      if (arguments.empty() || !is_tensor(pickle, arguments[0])) refuse(what, "it is a parameter without a tensor");
      maker = {pickle.text(arguments[0]), pickle.items(arguments[0])};
    } else if (maker.name.ends_with("._rebuild_from_type") || maker.name.ends_with("._rebuild_from_type_v2")) {
      if (arguments.size() < 3 || !pickle.is(arguments[0], Kind::global) || !pickle.is(arguments[2], Kind::tuple))
        refuse(what, "it is a tensor of a class of its own, and damaged");
      maker = {pickle.text(arguments[0]), pickle.items(arguments[2])};
    } else {
      return maker;
    }
  }
  refuse(what, "it is a parameter of a parameter of a parameter …");
}

View parse_view(const Pickle& pickle, Ref ref, const std::string& what) {
  const auto [name, arguments] = innermost(pickle, ref, what);
  const int version = name == "torch._utils._rebuild_tensor"      ? 1
                      : name == "torch._utils._rebuild_tensor_v2" ? 2
                      : name == "torch._utils._rebuild_tensor_v3" ? 3
                                                                  : 0;
  if (version == 0)
    fail(
        "{}: it is made by {}, a kind of tensor that tessera does not read (sparse, quantised, nested and empty ones "
        "are not); save it dense, as float32",
        what, name);
  const size_t least = version == 1 ? 4 : version == 2 ? 6 : 7;
  if (arguments.size() < least || !pickle.is(arguments[0], Kind::persistent) || !pickle.is(arguments[1], Kind::integer))
    refuse(what, "the call that makes it is damaged");
  View view;
  view.storage = arguments[0];
  view.offset = pickle.integer(arguments[1]);
  if (view.offset < 0) refuse(what, "its storage offset is negative, {}", view.offset);
  view.shape = Shape(integers(pickle, arguments[2], "size", what));
  view.strides = integers(pickle, arguments[3], "stride", what);
  if (view.strides.size() != static_cast<size_t>(view.shape.rank()))
    refuse(what, "it has {} sizes but {} strides", view.shape.rank(), view.strides.size());
  if (version == 3) view.dtype = arguments[6];
  if (arguments.size() > least && !pickle.pairs(arguments[least]).empty())
    fail("{}: it carries flags (conjugated, negated) that tessera does not read; save it after .contiguous()", what);
  for (int axis = 0; axis < view.shape.rank(); ++axis)
    if (view.shape[axis] <= 1) view.strides[static_cast<size_t>(axis)] = 0;  // never taken, and may be anything
  return view;
}

// The elements that a view of at least one element reaches over from its first, or nothing beyond 63 bits.
std::optional<int64_t> reach(const View& view) {
  int64_t last = view.offset;
  for (int axis = 0; axis < view.shape.rank(); ++axis) {
    int64_t step;
    if (__builtin_mul_overflow(view.shape[axis] - 1, view.strides[static_cast<size_t>(axis)], &step) ||
        __builtin_add_overflow(last, step, &last))
      return std::nullopt;
  }
  return last == INT64_MAX ? std::nullopt : std::optional(last + 1);
}

}  // namespace

StorageId parse_storage(const Pickle& pickle, Ref persistent, const std::string& what) {
  const Ref id = pickle.items(persistent)[0];
  const auto parts = pickle.items(id);
  if (!pickle.is(id, Kind::tuple) || parts.size() < 5 || parts.size() > 6 || !pickle.is(parts[0], Kind::text) ||
      pickle.text(parts[0]) != "storage" || !pickle.is(parts[1], Kind::global) || !pickle.is(parts[2], Kind::text) ||
      !pickle.is(parts[4], Kind::integer))
    refuse(what, "its persistent id does not describe a storage");
  StorageId storage;
  storage.type = type_of_storage(pickle.text(parts[1]), what);
  storage.key = pickle.text(parts[2]);
  const auto in_key = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
  if (storage.key.empty() || storage.key.size() > 100 || !std::all_of(storage.key.begin(), storage.key.end(), in_key))
    refuse(what, "its storage has the key {}, which cannot be", in_quotes(storage.key));
  const int64_t count = pickle.integer(parts[4]);
  const std::string name = in_quotes(storage.key);
  if (count < 0) refuse(what, "its storage {} has a negative number of elements, {}", name, count);
  if (!byte_count(storage.type.value_or(FileType::U8), {count}))
    refuse(what, "its storage {} is too large: {} elements", name, count);
  storage.count = storage.view_count = static_cast<uint64_t>(count);
  if (parts.size() == 6 && !pickle.is(parts[5], Kind::none)) {
    const auto view = pickle.items(parts[5]);  // key, offset, count
    if (!pickle.is(parts[5], Kind::tuple) || view.size() != 3 || !pickle.is(view[1], Kind::integer) ||
        !pickle.is(view[2], Kind::integer))
      refuse(what, "the view of its storage {} is damaged", name);
    const int64_t begin = pickle.integer(view[1]), extent = pickle.integer(view[2]);
    if (begin < 0 || extent < 0 || begin > count || extent > count - begin)
      refuse(what, "the view of its storage {} takes {} elements from element {}, and there are {}", name, extent,
             begin, count);
    storage.view_begin = static_cast<uint64_t>(begin);
    storage.view_count = static_cast<uint64_t>(extent);
  }
  return storage;
}

Array read_tensor(const Pickle& pickle, Ref ref, const Storages& storages, CopyBudget& budget,
                  const std::string& what) {
  const View view = parse_view(pickle, ref, what);
  const StorageId storage = parse_storage(pickle, view.storage, what);
  FileType type = storage.type.value_or(FileType::U8);
  uint64_t count = storage.view_count;
  if (view.dtype) {
    type = type_of_dtype(pickle, *view.dtype, what);
    count = count * size_of(storage.type.value_or(FileType::U8)) / size_of(type);
  } else if (!storage.type) {
    refuse(what, "its storage is of bytes, and no type is given");
  }

  const std::string shape = to_string(view.shape);
  const auto bytes = byte_count(type, view.shape);
  if (!bytes) refuse(what, "its size {} is too large", shape);
  if (*bytes > 0) {
    const auto needed = reach(view);
    if (!needed) refuse(what, "its storage offset, size and stride are too large");
    if (static_cast<uint64_t>(*needed) > count)
      refuse(what, "offset {}, size {} and stride {} need {} elements, but its storage {} has {}", view.offset, shape,
             to_string(Shape(view.strides)), *needed, in_quotes(storage.key), count);
  }
  const bool in_place = is_row_major(view.shape, view.strides) || *bytes == 0;
  if (!in_place && *bytes > std::min(budget.one, budget.all))
    refuse(what, "its size {} and stride {} repeat elements: it would take {} bytes, larger than the file", shape,
           to_string(Shape(view.strides)), *bytes);

  const HeldBytes contents = storages(storage, what);
  if (*bytes == 0) return {type, view.shape, {}, nullptr};
  const size_t begin = storage.view_begin * size_of(storage.type.value_or(FileType::U8)) +
                       static_cast<size_t>(view.offset) * size_of(type);
  if (in_place) return {type, view.shape, contents.bytes.subspan(begin, *bytes), contents.owner, contents.mapped};
  budget.all -= *bytes;
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(*bytes);
  copy_strided(contents.bytes.data() + begin, size_of(type), view.shape, view.strides, copy.get());
  contents.forget();
  return {type, view.shape, {copy.get(), *bytes}, copy};
}

}  // namespace tessera::formats

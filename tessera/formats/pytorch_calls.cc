#include <algorithm>
#include <array>

#include "tessera/formats/pytorch_tensor.h"

namespace tessera::formats {
namespace {

// Makers of tensors: those that are read, and kinds that are refused where they are met.
constexpr std::string_view kTensorMakers[] = {"torch._utils._rebuild_", "torch._tensor._rebuild_",
                                              "torch.tensor._rebuild_"};

// Makers of plain values as real checkpoints hold them: containers, numbers and bytes of NumPy, paths, times, settings.
// They stay calls in the graph; some are looked into.
constexpr std::string_view kValueMakers[] = {
    "_codecs.encode",
    "argparse.Namespace",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.dict",
    "builtins.frozenset",
    "builtins.list",
    "builtins.object",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "builtins.tuple",
    "collections.Counter",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.deque",
    "copyreg._reconstructor",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "functools.partial",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "pathlib.Path",
    "pathlib.PosixPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.WindowsPath",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "timm.layers.format.Format",
    "torch.Size",
    "torch.device",
    "torch.nn.backends.thnn._get_thnn_function_backend",
    "torch.serialization._get_layout",
    "types.SimpleNamespace",
    "uuid.UUID",
};

}  // namespace

bool is_known_call(std::string_view name) {
  return std::any_of(std::begin(kTensorMakers), std::end(kTensorMakers),
                     [&](std::string_view prefix) { return name.starts_with(prefix); }) ||
         std::binary_search(std::begin(kValueMakers), std::end(kValueMakers), name);
}

bool is_tensor(const Pickle& pickle, Pickle::Ref ref) {
  if (!pickle.is(ref, Pickle::Kind::call)) return false;
  const std::string_view name = pickle.text(ref);
  return std::any_of(std::begin(kTensorMakers), std::end(kTensorMakers),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace tessera::formats

// tessera info: what a file or a model is.
#include <filesystem>

#include "tessera/cli/arrays.h"
#include "tessera/cli/describe.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/walk.h"
#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/formats/npy.h"
#include "tessera/formats/open.h"
#include "tessera/formats/safetensors.h"
#include "tessera/formats/sniff.h"
#include "tessera/image/decode.h"
#include "tessera/image/format.h"
#include "tessera/models/registry.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

struct InfoOptions {
  std::string what;
  SourceChoice source;
  bool shapes = false, list = false;

  void visit(Options& o) {
    o("what", what,
      "a model file, weights, a checkpoint, a folder of a run, an architecture file, a picture, an array, "
      "or the name of a model")
        .positional()
        .placeholder("FILE|NAME")
        .required();
    o("shapes", shapes, "walks a picture through the model: shapes, parameters and operations of each step");
    o("list", list, "lists the tensors of a file of weights and asks no further");
    o.section("Weights of another origin");
    source.visit(o);
  }
};

// Whether the name claims weights: then an array that is none is refused.
bool is_called_weights(const std::string& extension) {
  return extension == ".pth" || extension == ".pt" || extension == ".ckpt" || extension == ".bin" ||
         extension == ".npz" || extension == ".safetensors";
}

void describe_picture(const std::string& path) {
  const image::Picture picture = image::decode_file(path);
  print("{}: a {} picture, {} pixels wide and {} high\n", path, image::to_string(*image::sniff(read_file(path, 16))),
        picture.width, picture.height);
}

void describe_architecture(const InfoOptions& o, const std::string& name, const std::string& json) {
  print("{}: an architecture\n", name);
  const auto model = models::build(models::with_settings(json, pairs_of(o.source.choice.set, "--set")));
  print_model(*model);
  if (o.shapes) print_shapes(*model);
}

void describe_weights(const InfoOptions& o) {
  if (o.list) return describe_arrays(o.what, formats::read_arrays(o.what));
  describe_foreign(o.what, o.source.load_options(), o.shapes);
}

void describe_file(const InfoOptions& o, const std::string& path) {
  const std::vector<std::byte> head = read_file(path, 64);
  const std::string extension = lower_extension(path);
  if (image::sniff(head)) return describe_picture(path);
  switch (formats::kind_of(head)) {
    case formats::FileKind::npy: {
      if (is_called_weights(extension)) formats::refuse_as_weights(path, formats::FileKind::npy);
      const formats::Array array = formats::read_npy(path);
      return print("{}: a NumPy array, {} {}\n", path, formats::name_of(array.type), to_string(array.shape));
    }
    case formats::FileKind::zip:
    case formats::FileKind::pickle:
      return describe_weights(o);
    case formats::FileKind::safetensors: {
      const formats::Metadata metadata = formats::read_safetensors_header(path).metadata;
      if (!o.list && (metadata.count("tessera.format") || metadata.count("tessera.run")))
        return describe_model(path, o.source.load_options(), o.shapes);
      return describe_weights(o);
    }
    case formats::FileKind::unknown:
      if (formats::is_shard_index(path)) return describe_weights(o);
      if (extension == ".json" || extension == ".toml")
        return describe_architecture(o, path, models::read_architecture(path));
      if (is_called_weights(extension)) return describe_weights(o);  // says what is wrong
      fail("{}: not a file of a kind that tessera knows", path);
    default:
      formats::refuse_as_weights(path, formats::kind_of(head));
  }
}

int info(const Arguments& arguments) {
  InfoOptions o;
  Options options("tessera info FILE|NAME [OPTIONS]", "Says what a file or a model is.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  std::error_code unreadable;
  if (!fs::exists(o.what, unreadable)) {
    const auto& known = models::registry().variants;
    TESSERA_CHECK(known.contains(o.what), "{}: there is no file and no model of this name{}", o.what,
                  did_you_mean(o.what, known.names()));
    describe_architecture(o, o.what, models::architecture_of(o.what));
  } else {
    describe_file(o, formats::weights_file(o.what).string());
  }
  return 0;
}

}  // namespace

void register_info(Registry& registry) { registry.add("info", {"says what a file or a model is", info}); }

}  // namespace tessera::cli

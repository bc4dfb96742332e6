// tessera convert: weights from one library's files to another's.
#include <filesystem>

#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/walk.h"
#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/npz.h"
#include "tessera/formats/safetensors.h"
#include "tessera/image/preprocess_config.h"
#include "tessera/weights/export.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

struct ConvertOptions {
  std::string in, out, to;
  SourceChoice source;
  std::vector<std::string> preprocess;

  void visit(Options& o) {
    o("in", in, "a model file, the folder of a run, or weights of any origin")
        .positional()
        .placeholder("IN")
        .required();
    o("out", out, "FILE.safetensors; FILE.npz for jax; a folder for hf").positional().placeholder("OUT").required();
    o("to", to,
      "what is written: a tessera model file, safetensors under timm's or torchvision's names, a Hugging Face folder, "
      "or an npz file in the layout of Google's JAX code; by default what OUT looks like")
        .one_of({"tessera", "timm", "torchvision", "hf", "jax"});
    o.section("Weights of another origin");
    source.visit(o);
    o("preprocess", preprocess, "changes how pictures are prepared: crop_pct=0.9, mean=0.5,0.5,0.5 …")
        .placeholder("KEY=VALUE");
  }
};

// What the name of OUT asks for.
std::string kind_by_name(const std::string& out) {
  const std::string extension = lower_extension(out);
  if (extension == ".npz") return "jax";
  if (extension == ".safetensors") return "tessera";
  if (extension.empty() || out.ends_with("/")) return "hf";
  fail_usage("OUT '{}' has an ending that says nothing; take .safetensors, .npz or a folder, or say --to KIND", out);
}

void write_folder(const fs::path& folder, weights::LoadedModel& loaded, const image::Preprocess& how) {
  TESSERA_CHECK(!fs::exists(folder / "run.json"),
                "{}: the folder of a training run, whose model would be overwritten; "
                "choose another",
                folder.string());
  const std::string config =
      weights::written_as("hf", *loaded.model).write_config(loaded.info.architecture, loaded.info.class_names);
  const auto processor = image::hugging_face_config(how);
  const formats::NamedArrays arrays = weights::exported(*loaded.model, "hf");
  std::error_code error;
  fs::create_directories(folder, error);
  TESSERA_CHECK(!error, "cannot make the folder {}: {}", folder.string(), error.message());
  formats::write_safetensors(folder / "model.safetensors", arrays, {{"format", "pt"}});
  write_atomically(folder / "config.json", config);
  if (processor)
    write_atomically(folder / "preprocessor_config.json", *processor);
  else
    complain(
        "note: no processor of Hugging Face's prepares pictures like this; preprocessor_config.json is not written");
}

int convert(const Arguments& arguments) {
  ConvertOptions o;
  Options options("tessera convert IN OUT [OPTIONS]",
                  "Writes a model's weights as another library keeps them, with all that it needs to use them.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (o.to.empty()) o.to = kind_by_name(o.out);

  weights::LoadOptions how_to_load = o.source.load_options();
  how_to_load.fill.purpose = weights::Purpose::use;
  weights::LoadedModel loaded = weights::load_model(model_file(o.in), how_to_load);
  const image::Preprocess how = changed(infer::preprocess_of(loaded), o.preprocess);
  for (const std::string& remark : remarks(loaded.account)) complain("note: " + remark);
  if (o.to == "tessera") {
    loaded.info.preprocess = infer::to_json(how);
    weights::save_model(o.out, *loaded.model, loaded.info);
  } else if (o.to == "hf") {
    write_folder(o.out, loaded, how);
  } else if (o.to == "jax") {
    formats::write_npz(o.out, weights::exported(*loaded.model, o.to));
  } else {
    formats::write_safetensors(o.out, weights::exported(*loaded.model, o.to), {{"format", "pt"}});
  }
  if (o.to != "tessera")
    if (const std::string other = weights::difference(*loaded.model, o.to); !other.empty())
      complain(fmt::format("note: {} computes other logits with these weights unless it is told: {}", o.to, other));
  print("{} ({}) -> {} ({})\n", loaded.file.string(), loaded.origin.empty() ? "timm" : loaded.origin, o.out, o.to);
  return 0;
}

}  // namespace

void register_convert(Registry& registry) {
  registry.add("convert", {"writes weights as another library keeps them", convert});
}

}  // namespace tessera::cli

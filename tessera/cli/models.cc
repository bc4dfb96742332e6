// tessera models: what --model and --architecture may name.
#include "tessera/models/registry.h"

#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"

namespace tessera::cli {
namespace {

struct ModelsOptions {
  bool architecture_help = false, json = false;

  void visit(Options& o) {
    o("architecture_help", architecture_help, "the keys of an architecture file and of --set, for each family");
    o("json", json, "a JSON array, one object for each model");
  }
};

// Input, parameters and multiply-accumulates without the weights: nothing is initialised, so no memory is touched.
void list_models(bool json) {
  const models::Registry& registry = models::registry();
  Table table({"name", "parameters", "operations", "picture", "about"}, "lrrll");
  if (json) print("[");
  bool first = true;
  for (const std::string& name : registry.variants.names()) {
    const models::Variant& variant = registry.variants.at(name);
    const auto model = models::build(models::architecture_of(name));
    const models::PictureSize input = model->input();
    if (json) {
      print(
          "{}\n{{\"name\": {}, \"family\": {}, \"parameters\": {}, \"macs\": {}, \"picture\": [{}, {}, {}], "
          "\"classes\": {}, \"about\": {}}}",
          first ? "" : ",", json_text(name), json_text(variant.family), model->num_parameters(), model->macs(),
          input.height, input.width, input.channels, model->num_classes(), json_text(variant.about));
    }
    table.add({name, grouped(model->num_parameters()), grouped(model->macs()),
               fmt::format("{}x{}x{}", input.height, input.width, input.channels), variant.about});
    first = false;
    release_cached_memory();
  }
  if (json)
    print("\n]\n");
  else
    print("{}\noperations: multiply-accumulates for one picture\n", table.text());
}

int run_models(const Arguments& arguments) {
  ModelsOptions o;
  Options options("tessera models [OPTIONS]", "Lists the models that --model takes.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (!o.architecture_help) {
    list_models(o.json);
    return 0;
  }
  const models::Registry& registry = models::registry();
  for (const std::string& family : registry.families.names()) write(registry.families.at(family).help());
  return 0;
}

}  // namespace

void register_models(Registry& registry) {
  registry.add("models", {"lists the models, their sizes, and the keys of an architecture", run_models});
}

}  // namespace tessera::cli

#include <nlohmann/json.hpp>

#include "tessera/infer/parity/suspects.h"
#include "tessera/models/registry.h"

namespace tessera::parity {
namespace {

using Json = nlohmann::ordered_json;

class Architecture {
 public:
  explicit Architecture(const Setup& setup) : keys_(Json::parse(setup.architecture)) {}

  std::vector<Suspect> suspects() {
    for (const char* eps : {"1e-05", "1e-06", "1e-08", "1e-12"})
      add("norm_eps", eps, "the original's layer norms have another epsilon");
    add("act", "gelu_erf", "the original's MLP has GELU by the error function");
    add("act", "gelu_tanh", "the original's MLP has the tanh form of GELU");
    for (const char* act : {"relu", "quick_gelu", "silu"}) add("act", act, "the original's MLP has another activation");
    add("norm_position", "pre", "the original's norms stand before attention and MLP");
    add("norm_position", "post", "the original's norms stand behind attention and MLP");
    for (const char* fixed : {"sincos_2d", "sincos_2d_mae", "none"})
      add("pos_embed", fixed, "the original has other positions, which no weights hold");
    for (const char* all : {"true", "false"})
      add("pool_include_prefix", all, "the original pools other tokens besides the patches, or does not");
    add_heads();
    add_pooling();
    return std::move(suspects_);
  }

 private:
  bool has(const char* key) const { return keys_.contains(key); }

  void add(const std::string& key, const std::string& value, const std::string& meaning) {
    if (has(key.c_str())) add(key, models::Settings{{key, value}}, meaning);
  }

  // Settings that are in force already change nothing and are left out.
  void add(const std::string& group, const models::Settings& settings, const std::string& meaning,
           const std::function<void(Setup&)>& more = {}) {
    if (Json::parse(models::with_settings(keys_.dump(), settings)) == keys_) return;
    Suspect suspect{.group = group};
    for (const auto& [key, value] : settings) {
      suspect.name += (suspect.name.empty() ? "" : " ") + key + "=" + value;
      suspect.advice += " --set " + key + "=" + value;
    }
    suspect.advice = meaning + ":" + suspect.advice;
    suspect.change = [settings, more](Setup& setup) {
      setup.architecture = models::with_settings(setup.architecture, settings);
      if (more) more(setup);
    };
    suspects_.push_back(std::move(suspect));
  }

  // Weights do not tell how many heads there are.
  void add_heads() {
    if (!has("num_heads") || !has("head_dim") || !keys_["num_heads"].is_number_integer()) return;
    const int64_t width = keys_["num_heads"].get<int64_t>() * keys_["head_dim"].get<int64_t>();
    for (int64_t heads = 1; heads <= width; ++heads) {
      if (width % heads != 0 || (width / heads < 8 && heads > 1)) continue;
      add("num_heads", {{"num_heads", std::to_string(heads)}, {"head_dim", std::to_string(width / heads)}},
          "the original has another number of heads");
    }
  }

  // The final norm is called by where it stands.
  void add_pooling() {
    if (!has("global_pool") || !has("fc_norm")) return;
    const auto rename = [](bool behind) {
      return [behind](Setup& setup) {
        for (const char* part : {"weight", "bias"}) {
          auto norm = setup.parameters.extract(std::string(behind ? "norm." : "fc_norm.") + part);
          if (norm.empty()) continue;
          norm.key() = std::string(behind ? "fc_norm." : "norm.") + part;
          setup.parameters.insert(std::move(norm));
        }
      };
    };
    const auto pool = [&](const char* global_pool, bool behind, const char* meaning) {
      add("global_pool", {{"global_pool", global_pool}, {"fc_norm", behind ? "true" : "false"}}, meaning,
          rename(behind));
    };
    pool("token", false, "the original's head reads the class token");
    pool("avg", true, "the original takes the mean of the patches, then the final norm");
    pool("avg", false, "the original takes the final norm, then the mean of the patches");
  }

  Json keys_;
  std::vector<Suspect> suspects_;
};

}  // namespace

std::vector<Suspect> suspects_of_architecture(const Setup& setup) { return Architecture(setup).suspects(); }

}  // namespace tessera::parity

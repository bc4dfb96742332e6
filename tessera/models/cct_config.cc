// The keys of Compact Transformers, what follows from them, and the models of the paper.
#include "tessera/models/cct.h"
#include "tessera/models/family.h"

namespace tessera::models {

void CctConfig::visit(Options& o) {
  o.section("Picture");
  o("img_size", img_size, "height and width of the picture in pixels; one number for both").at_least(1).at_most(16384);
  o("in_chans", in_chans, "channels of the picture").at_least(1).at_most(4096);
  o("num_classes", num_classes, "classes; 0: no head, the pooled features come out").at_least(0).at_most(10000000);
  o.section("Tokenizer");
  o("tokenizer", tokenizer, "tokens from convolutions with ReLU and max pooling (CCT), or from patches (CVT, ViT-Lite)")
      .one_of({"conv", "patch"});
  o("kernel_size", kernel_size, "height and width of each convolution, or of a patch").at_least(1).at_most(1024);
  o("conv_layers", conv_layers, "number of convolutions").at_least(1).at_most(64);
  o("conv_width", conv_width, "channels between the convolutions").at_least(1).at_most(65536);
  o("stride", stride, "of each convolution; by default kernel_size / 2 - 1, at least 1").at_least(1).at_most(1024);
  o("padding", padding, "of each convolution, on all sides; by default kernel_size / 2, at least 1")
      .at_least(0)
      .at_most(1024);
  o("pool_size", pool_size, "height and width of the max pooling behind each convolution").at_least(1).at_most(1024);
  o("pool_stride", pool_stride, "its stride").at_least(1).at_most(1024);
  o("pool_padding", pool_padding, "its padding").at_least(0).at_most(1024);
  o.section("Encoder");
  o("embed_dim", embed_dim, "width of the tokens (D)").at_least(1).at_most(65536);
  o("depth", depth, "number of blocks (L)").at_least(0).at_most(4096);
  o("num_heads", num_heads, "attention heads (h)").at_least(1).at_most(4096);
  o("mlp_ratio", mlp_ratio, "hidden width of the MLP over embed_dim").above(0).at_most(1000);
  o("norm_eps", norm_eps, "epsilon of every LayerNorm").above(0);
  o("pos_embed", pos_embed, "positions: learned, fixed sines and cosines, or none").one_of({"learn", "sine", "none"});
  o("seq_pool", seq_pool, "the head reads the weighted mean of the tokens; otherwise a class token, as in ViT-Lite");
  o.section("Regularisation");
  o("drop_rate", drop_rate, "dropout after the positions, the attention's projection and in the MLP")
      .at_least(0)
      .below(1);
  o("attn_drop_rate", attn_drop_rate, "dropout on the attention probabilities").at_least(0).below(1);
  o("drop_path_rate", drop_path_rate, "stochastic depth at the last block, growing linearly from 0")
      .at_least(0)
      .below(1);
}

TokenizerConfig CctConfig::tokens() const {
  const bool patches = tokenizer == "patch";
  TokenizerConfig tokens = {.channels = in_chans, .layers = conv_layers, .width = conv_width, .D = embed_dim};
  tokens.conv = {.kernel = kernel_size, .stride = stride, .padding = padding, .bias = patches};
  tokens.follows = !patches;
  const int64_t p = pool_padding;
  tokens.pool = {.kernel = {pool_size, pool_size}, .stride = {pool_stride, pool_stride}, .padding = {p, p, p, p}};
  return tokens;
}

void CctConfig::complete(const Options& given) {
  if (img_size.size() == 1) img_size.push_back(img_size.front());
  if (img_size.size() != 2) fail_usage("img_size takes a height and a width, or one number for both");
  if (tokenizer == "patch") {
    struct Fixed {
      const char* key;
      int64_t value, fixed;
    };
    for (const auto& [key, value, fixed] :
         {Fixed{"conv_layers", conv_layers, 1}, {"stride", stride, kernel_size}, {"padding", padding, 0}})
      if (given.is_set(key) && value != fixed)
        fail_usage("{} {} is not what patches have (tokenizer patch): {}", key, value, fixed);
    conv_layers = 1, stride = kernel_size, padding = 0;
  } else {
    if (!given.is_set("stride")) stride = std::max<int64_t>(kernel_size / 2 - 1, 1);
    if (!given.is_set("padding")) padding = std::max<int64_t>(kernel_size / 2, 1);
  }
  if (embed_dim % num_heads != 0)
    fail_usage("num_heads {} does not divide embed_dim {}; choose a divisor", num_heads, embed_dim);
  if (pool_padding >= pool_size) fail_usage("pool_padding {} must be less than pool_size {}", pool_padding, pool_size);
  if (grid().h == 0)
    fail_usage("img_size {}x{} is too small: nothing is left of it behind the tokenizer", img_size[0], img_size[1]);
}

namespace {

struct Size {
  int depth, num_heads, mlp_ratio, embed_dim;
};
Size size_of(int depth) {
  if (depth == 14) return {depth, 6, 3, 384};
  return depth < 6 ? Size{depth, 2, 1, 128} : Size{depth, 4, 2, 256};
}

// The paper trains all of them with these.
constexpr const char* kRegularisation = R"("attn_drop_rate": 0.1, "drop_path_rate": 0.1)";

void add(Registry& registry, const std::string& name, int depth, const std::string& rest, const std::string& about) {
  const Size s = size_of(depth);
  registry.variants.add(
      name, {"cct",
             fmt::format(R"({{"depth": {}, "num_heads": {}, "mlp_ratio": {}, "embed_dim": {}, {}, {}}})", s.depth,
                         s.num_heads, s.mlp_ratio, s.embed_dim, rest, kRegularisation),
             about + " (Hassani et al., 2021)"});
}

void add_convolutional(Registry& registry, int depth, int kernel, int layers, int picture, int classes,
                       const std::string& tail = "") {
  const std::string form = fmt::format("{}/{}x{}", depth, kernel, layers);
  for (const bool sine : {false, true}) {
    if (sine && depth == 14) continue;
    add(registry, fmt::format("cct_{}_{}x{}_{}{}{}", depth, kernel, layers, picture, sine ? "_sine" : "", tail), depth,
        fmt::format(R"("kernel_size": {}, "conv_layers": {}, "img_size": {}, "num_classes": {}, "pos_embed": "{}")",
                    kernel, layers, picture, classes, sine ? "sine" : "learn"),
        fmt::format("CCT-{} for {}x{} pictures{}", form, picture, picture, sine ? ", fixed positions" : ""));
  }
}

}  // namespace

std::optional<Inferred> infer_cct(const Shapes& shapes, const std::string& known);  // cct_inferred.cc

void register_cct_config(Registry& registry) {
  registry.families.add("cct",
                        family_of<Cct, CctConfig>("cct", "Compact Transformers: CCT, CVT and ViT-Lite.", infer_cct));
  for (const int depth : {2, 4}) add_convolutional(registry, depth, 3, 2, 32, 10);
  for (const int depth : {6, 7})
    for (const int layers : {1, 2}) add_convolutional(registry, depth, 3, layers, 32, 10);
  add_convolutional(registry, 7, 3, 1, 32, 100, "_c100");
  add_convolutional(registry, 7, 7, 2, 224, 102);
  add_convolutional(registry, 14, 7, 2, 224, 1000);
  add_convolutional(registry, 14, 7, 2, 384, 1000);
  add_convolutional(registry, 14, 7, 2, 384, 102, "_fl");
  // By the names of the authors' functions: ViT-Lite's class token, or CVT's sequence pooling.
  for (const bool pooled : {true, false}) {
    for (const int depth : {2, 4, 6, 7}) {
      for (const bool sine : {false, true}) {
        const std::string keys = fmt::format(
            R"("tokenizer": "patch", "kernel_size": 4, "img_size": 32, "num_classes": 10, "seq_pool": {}, "pos_embed": "{}")",
            pooled, sine ? "sine" : "learn");
        add(registry, fmt::format("{}_{}_4_32{}", pooled ? "cvt" : "vit", depth, sine ? "_sine" : ""), depth, keys,
            fmt::format("{}-{}/4 for 32x32 pictures{}", pooled ? "CVT" : "ViT-Lite", depth,
                        sine ? ", fixed positions" : ""));
      }
    }
  }
}

}  // namespace tessera::models

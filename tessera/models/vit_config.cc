// The Vision Transformer's keys, what follows from them, and the named variants of the literature.
#include "tessera/models/vit.h"

namespace tessera::models {

std::optional<Inferred> infer_vit(const Shapes& shapes, const std::string& known);  // vit_inferred.cc

void VitConfig::visit(Options& o) {
  o.section("Picture");
  o("img_size", img_size, "height and width of the picture in pixels; one number for both").at_least(1).at_most(16384);
  o("patch_size", patch_size, "height and width of a patch in pixels; one number for both").at_least(1).at_most(16384);
  o("in_chans", in_chans, "channels of the picture").at_least(1).at_most(4096);
  o("num_classes", num_classes, "classes; 0: no head, the pooled features come out").at_least(0).at_most(10000000);
  o.section("Encoder");
  o("embed_dim", embed_dim, "width of the tokens (D)").at_least(1).at_most(65536);
  o("depth", depth, "number of blocks (L)").at_least(0).at_most(4096);
  o("num_heads", num_heads, "attention heads (h)").at_least(1).at_most(4096);
  o("head_dim", head_dim, "width of a head (d); 0: embed_dim / num_heads").at_least(0).at_most(65536);
  o("mlp_ratio", mlp_ratio, "hidden width of the MLP over embed_dim").above(0).at_most(1000);
  o("act", act, "activation of the MLP").one_of({"gelu_erf", "gelu_tanh", "relu"});
  o("qkv_bias", qkv_bias, "biases of queries, keys and values");
  o("qk_norm", qk_norm, "LayerNorm on the queries and keys of each head");
  o("init_values", init_values, "initial value of layer scale; 0: none").at_least(0);
  o("norm_position", norm_position, "norms before or after attention and MLP").one_of({"pre", "post"});
  o("norm_eps", norm_eps, "epsilon of every LayerNorm").above(0);
  o("pre_norm", pre_norm, "an extra norm before the blocks");
  o("final_norm", final_norm, "a norm after the blocks");
  o.section("Tokens and positions");
  o("patch_bias", patch_bias, "bias of the patch embedding; false by default with pre_norm");
  o("class_token", class_token, "a learned token in front of the patches");
  o("reg_tokens", reg_tokens, "number of register tokens behind the class token").at_least(0).at_most(65536);
  o("no_embed_class", no_embed_class, "learned positions for the patches only");
  o("pos_embed", pos_embed, "positions: learned per token, learned per row and column, fixed sine-cosine, or none")
      .one_of({"learn", "learn_2d", "sincos_2d", "none"});
  o("rel_pos_type", rel_pos_type, "a learned bias of the attention per offset").one_of({"none", "bias"});
  o.section("Head");
  o("global_pool", global_pool, "what the head reads: the class token, or the mean of the patches")
      .one_of({"token", "avg"});
  o("fc_norm", fc_norm, "the final norm behind the pooling; true by default with global_pool avg");
  o("representation_size", representation_size, "hidden width of the paper's pre-training head; 0: one linear layer")
      .at_least(0)
      .at_most(1000000);
  o.section("Regularisation");
  o("pos_drop_rate", pos_drop_rate, "dropout after the positions").at_least(0).below(1);
  o("attn_drop_rate", attn_drop_rate, "dropout on the attention probabilities").at_least(0).below(1);
  o("proj_drop_rate", proj_drop_rate, "dropout after the attention's projection, and in the MLP unless it has its own")
      .at_least(0)
      .below(1);
  o("mlp_drop_rate", mlp_drop_rate, "dropout in the MLP; by default proj_drop_rate").at_least(0).below(1);
  o("drop_path_rate", drop_path_rate, "stochastic depth at the last block, growing linearly from 0")
      .at_least(0)
      .below(1);
}

void VitConfig::complete(const Options& given) {
  for (std::vector<int64_t>* size : {&img_size, &patch_size}) {
    if (size->size() == 1) size->push_back(size->front());
  }
  if (img_size.size() != 2) fail_usage("img_size takes a height and a width, or one number for both");
  if (patch_size.size() != 2) fail_usage("patch_size takes a height and a width, or one number for both");
  if (!given.is_set("patch_bias")) patch_bias = !pre_norm;
  if (!given.is_set("fc_norm")) fc_norm = global_pool == "avg";
  if (!given.is_set("mlp_drop_rate")) mlp_drop_rate = proj_drop_rate;
  if (img_size[0] < patch_size[0] || img_size[1] < patch_size[1])
    fail_usage("patch_size {}x{} is larger than img_size {}x{}", patch_size[0], patch_size[1], img_size[0],
               img_size[1]);
  if (head_dim == 0) {
    if (embed_dim % num_heads != 0) {
      fail_usage("num_heads {} does not divide embed_dim {}; choose a divisor, or give head_dim", num_heads, embed_dim);
    }
    head_dim = embed_dim / num_heads;
  }
  if (global_pool == "token" && !class_token)
    fail_usage("global_pool token needs class_token; without it use global_pool avg");
  if (pos_embed == "sincos_2d" && (embed_dim % 4 != 0 || embed_dim < 8))
    fail_usage("pos_embed sincos_2d needs an embed_dim that is a multiple of 4 and at least 8, not {}", embed_dim);
}

namespace {

std::unique_ptr<Model> build_vit(const std::string& architecture) {
  VitConfig config;
  Options options;
  config.visit(options);
  options.from_json(architecture, "the architecture");
  config.complete(options);
  return std::make_unique<Vit>(config);
}

std::string vit_help() {
  VitConfig config;
  Options options("\"family\": \"vit\" with these keys (--set KEY=VALUE, or a JSON or TOML file)",
                  "The Vision Transformer.");
  config.visit(options);
  return options.help(100, Options::Style::keys);
}

}  // namespace

void register_vit_config(Registry& registry) {
  registry.families.add("vit", {build_vit, vit_help, infer_vit});

  struct Size {
    const char* name;
    int embed_dim, depth, num_heads;
    const char* about;
  };
  const Size tiny{"tiny", 192, 12, 3, "ViT-Ti of DeiT (Touvron et al., 2021)"};
  const Size small{"small", 384, 12, 6, "ViT-S of DeiT (Touvron et al., 2021)"};
  const Size base{"base", 768, 12, 12, "ViT-B (Dosovitskiy et al., 2021, table 1)"};
  const Size large{"large", 1024, 24, 16, "ViT-L (Dosovitskiy et al., 2021, table 1)"};
  const Size huge{"huge", 1280, 32, 16, "ViT-H (Dosovitskiy et al., 2021, table 1)"};
  struct Named {
    const Size& size;
    int patch, picture;
    int classes = 1000;  // three of timm's are feature extractors: their weights were published without a head
  };
  // Those that the literature and timm know.
  for (const auto& [size, patch, picture, classes] : std::initializer_list<Named>{{tiny, 16, 224},
                                                                                  {tiny, 16, 384},
                                                                                  {small, 8, 224, 0},
                                                                                  {small, 16, 224},
                                                                                  {small, 16, 384},
                                                                                  {small, 32, 224},
                                                                                  {small, 32, 384},
                                                                                  {base, 8, 224},
                                                                                  {base, 16, 224},
                                                                                  {base, 16, 384},
                                                                                  {base, 32, 224},
                                                                                  {base, 32, 384},
                                                                                  {large, 14, 224},
                                                                                  {large, 16, 224},
                                                                                  {large, 16, 384},
                                                                                  {large, 32, 224, 0},
                                                                                  {large, 32, 384},
                                                                                  {huge, 14, 224, 0}}) {
    registry.variants.add(
        fmt::format("vit_{}_patch{}_{}", size.name, patch, picture),
        {"vit",
         fmt::format(
             R"({{"img_size": {}, "patch_size": {}, "embed_dim": {}, "depth": {}, "num_heads": {}, "num_classes": {}}})",
             picture, patch, size.embed_dim, size.depth, size.num_heads, classes),
         size.about});
  }
  registry.variants.add(
      "vit_lite_7_4",
      {"vit",
       R"({"img_size": 32, "patch_size": 4, "embed_dim": 256, "depth": 7, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10})",
       "ViT-Lite-7/4 for 32x32 pictures (Hassani et al., 2021)"});
  registry.variants.add(
      "vit_cifar",
      {"vit",
       R"({"img_size": 32, "patch_size": 4, "embed_dim": 128, "depth": 6, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10, "class_token": false, "global_pool": "avg"})",
       "a small ViT for 32x32 colour pictures"});
  registry.variants.add(
      "vit_mnist",
      {"vit",
       R"({"img_size": 28, "patch_size": 4, "in_chans": 1, "embed_dim": 96, "depth": 4, "num_heads": 4, "mlp_ratio": 2, "num_classes": 10, "class_token": false, "global_pool": "avg"})",
       "a small ViT for 28x28 grey pictures"});
}

}  // namespace tessera::models

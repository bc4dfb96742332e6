// The Vision Transformer's keys and what follows from them.
#include "tessera/models/family.h"
#include "tessera/models/vit.h"

namespace tessera::models {

std::optional<Inferred> infer_vit(const Shapes& shapes, const std::string& known);  // vit_inferred.cc

void VitConfig::visit(Options& o) {
  o.section("Picture");
  o("img_size", img_size, "height and width of the picture in pixels; one number for both").at_least(1).at_most(16384);
  o("patch_size", patch_size, "height and width of a patch in pixels; one number for both").at_least(1).at_most(16384);
  o("in_chans", in_chans, "channels of the picture").at_least(1).at_most(4096);
  o("num_classes", num_classes, "classes; 0: no head, the pooled features come out").at_least(0).at_most(10000000);
  o.section("Hybrid");
  o("backbone", backbone, "a convolutional network from whose output the patches are cut").one_of({"none", "resnetv2"});
  o("backbone_layers", backbone_layers, "residual units of each of its stages; none: its root alone")
      .at_least(1)
      .at_most(1024);
  o("backbone_channels", backbone_channels, "channels of each stage; by default 4, 8, 16, ... times backbone_stem")
      .at_least(128)
      .at_most(65536);
  o("backbone_stem", backbone_stem, "channels of its root").at_least(32).at_most(65536);
  o("backbone_norm_eps", backbone_norm_eps, "epsilon of its group norms").above(0);
  o("weight_std", weight_std,
    "its weights are standardised with an epsilon that is added to their variance (timm) or "
    "deviation (JAX)")
      .one_of({"variance", "deviation"});
  o("weight_std_eps", weight_std_eps, "that epsilon").above(0);
  o.section("Encoder");
  o("embed_dim", embed_dim, "width of the tokens (D)").at_least(1).at_most(65536);
  o("depth", depth, "number of blocks (L)").at_least(0).at_most(4096);
  o("num_heads", num_heads, "attention heads (h)").at_least(1).at_most(4096);
  o("head_dim", head_dim, "width of a head (d); 0: embed_dim / num_heads").at_least(0).at_most(65536);
  o("mlp_ratio", mlp_ratio, "hidden width of the MLP over embed_dim").above(0).at_most(1000);
  o("mlp_layer", mlp_layer, "the MLP: with an activation, or gated with separate or packed input layers")
      .one_of({"mlp", "swiglu", "swiglu_packed"});
  o("act", act, "activation of the MLP; SwiGLU's gate is always SiLU").one_of({"gelu_erf", "gelu_tanh", "relu"});
  o("qkv_bias", qkv_bias, "biases of queries, keys and values");
  o("attn_proj_bias", attn_proj_bias, "bias of the attention's projection");
  o("qk_norm", qk_norm, "LayerNorm on the queries and keys of each head");
  o("init_values", init_values, "initial value of layer scale; 0: none").at_least(0);
  o("norm_position", norm_position, "norms before or after attention and MLP").one_of({"pre", "post"});
  o("norm_eps", norm_eps, "epsilon of every LayerNorm").above(0);
  o("pre_norm", pre_norm, "an extra norm before the blocks");
  o("final_norm", final_norm, "a norm after the blocks");
  o.section("Tokens and positions");
  o("patch_bias", patch_bias, "bias of the patch embedding; false by default with pre_norm");
  o("patch_norm", patch_norm, "norms before and behind the patch embedding's projection");
  o("class_token", class_token, "a learned token in front of the patches");
  o("distilled", distilled, "a second token and head that learn from a teacher (DeiT); the two heads' mean decides");
  o("reg_tokens", reg_tokens, "number of register tokens behind the class token").at_least(0).at_most(65536);
  o("no_embed_class", no_embed_class, "learned positions for the patches only");
  o("pos_embed", pos_embed,
    "positions: learned per token, learned per row and column, fixed sine-cosine (two kinds), or none")
      .one_of({"learn", "learn_2d", "sincos_2d", "sincos_2d_mae", "none"});
  o("rel_pos_type", rel_pos_type, "a bias of the attention per offset: learned each by itself, or by a small network")
      .one_of({"none", "bias", "mlp"});
  o("rel_pos_dim", rel_pos_dim, "hidden width of the network of rel_pos_type mlp").at_least(1).at_most(65536);
  o("shared_rel_pos", shared_rel_pos, "one bias of the attention for all blocks, instead of one for each");
  o.section("Head");
  o("global_pool", global_pool,
    "what the head reads: the class token, the mean of the patches, what a learned query sees in them, or every token")
      .one_of({"token", "avg", "map", "none"});
  o("pool_include_prefix", pool_include_prefix, "avg and map pool all tokens, the class token and registers too");
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

nn::ResNetV2Config VitConfig::resnetv2() const {
  return {.channels = in_chans,
          .stem = backbone_stem,
          .layers = backbone_layers,
          .widths = backbone_channels,
          .norm_eps = backbone_norm_eps,
          .standard_eps = weight_std_eps,
          .epsilon_on = weight_std == "deviation" ? ops::EpsilonOn::deviation : ops::EpsilonOn::variance};
}

void VitConfig::complete_backbone(const Options& given) {
  if (!given.is_set("patch_size")) patch_size = {1, 1};
  const size_t stages = backbone_layers.size();
  if (stages > 8) fail_usage("backbone_layers has {} stages, but 8 are the most", stages);
  if (backbone_channels.empty())
    for (size_t stage = 0; stage < stages; ++stage) backbone_channels.push_back(backbone_stem * (int64_t{4} << stage));
  if (backbone_channels.size() != stages)
    fail_usage("backbone_channels takes a number for each of the {} stages of backbone_layers, not {}", stages,
               backbone_channels.size());
  using nn::ResNetV2Config;
  if (backbone_stem % ResNetV2Config::kGroups != 0)
    fail_usage("backbone_stem must be a multiple of {}, not {}", ResNetV2Config::kGroups, backbone_stem);
  for (int64_t channels : backbone_channels)
    if (constexpr int64_t unit = ResNetV2Config::kGroups * ResNetV2Config::kBottleneck; channels % unit != 0)
      fail_usage("backbone_channels must be multiples of {}, not {}", unit, channels);
}

void VitConfig::complete(const Options& given) {
  if (hybrid()) complete_backbone(given);
  for (std::vector<int64_t>* size : {&img_size, &patch_size}) {
    if (size->size() == 1) size->push_back(size->front());
  }
  if (img_size.size() != 2) fail_usage("img_size takes a height and a width, or one number for both");
  if (patch_size.size() != 2) fail_usage("patch_size takes a height and a width, or one number for both");
  if (!given.is_set("patch_bias")) patch_bias = !pre_norm;
  if (!given.is_set("fc_norm")) fc_norm = global_pool == "avg";
  if (!given.is_set("mlp_drop_rate")) mlp_drop_rate = proj_drop_rate;
  if (grid_height() == 0 || grid_width() == 0)
    fail_usage("patch_size {}x{} is larger than {} {}x{}", patch_size[0], patch_size[1],
               hybrid() ? "the backbone's output" : "img_size", features(img_size[0]), features(img_size[1]));
  if (head_dim == 0) {
    if (embed_dim % num_heads != 0) {
      fail_usage("num_heads {} does not divide embed_dim {}; choose a divisor, or give head_dim", num_heads, embed_dim);
    }
    head_dim = embed_dim / num_heads;
  }
  if (mlp_layer == "swiglu_packed" && mlp_hidden() % 2 != 0)
    fail_usage("mlp_layer swiglu_packed halves the MLP's hidden width, but embed_dim {} x mlp_ratio {} is odd: {}",
               embed_dim, mlp_ratio, mlp_hidden());
  if (global_pool == "token" && !class_token)
    fail_usage("global_pool token needs class_token; without it use global_pool avg, map or none");
  if (shared_rel_pos && rel_pos_type == "none") fail_usage("shared_rel_pos needs rel_pos_type bias or mlp");
  if (distilled && (global_pool != "token" || fc_norm || representation_size > 0))
    fail_usage("distilled needs global_pool token, without fc_norm and representation_size");
  if (global_pool == "map" && embed_dim % num_heads != 0)
    fail_usage("global_pool map needs a num_heads that divides embed_dim, but num_heads {} does not divide {}",
               num_heads, embed_dim);
  if (pos_embed.starts_with("sincos_2d") && (embed_dim % 4 != 0 || embed_dim < 8))
    fail_usage("pos_embed {} needs an embed_dim that is a multiple of 4 and at least 8, not {}", pos_embed, embed_dim);
}

void register_vit_config(Registry& registry) {
  registry.families.add("vit", family_of<Vit, VitConfig>("vit", "The Vision Transformer.", infer_vit));
}

}  // namespace tessera::models

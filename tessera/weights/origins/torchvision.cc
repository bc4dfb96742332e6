// torchvision's VisionTransformer, https://github.com/pytorch/vision/blob/main/torchvision/models/vision_transformer.py
#include "tessera/weights/origin.h"

namespace tessera::weights {

void register_torchvision(OriginRegistry& registry) {
  Origin torchvision;
  torchvision.about = "torchvision: encoder.layers.encoder_layer_0.self_attention.in_proj_weight";
  torchvision.keys = {"encoder.layers.encoder_layer_{i}.self_attention.in_proj_weight"};
  torchvision.fixed = {{"class_token", "true"},     {"global_pool", "token"}, {"pos_embed", "learn"},
                       {"no_embed_class", "false"}, {"norm_position", "pre"}, {"fc_norm", "false"},
                       {"final_norm", "true"},      {"qkv_bias", "true"},     {"act", "gelu_erf"}};
  torchvision.positions = PositionResize::torchvision;
  torchvision.names = {{"vit_b_16", "vit_base_patch16_224"},
                       {"vit_b_32", "vit_base_patch32_224"},
                       {"vit_l_16", "vit_large_patch16_224"},
                       {"vit_l_32", "vit_large_patch32_224"},
                       {"vit_h_14", "vit_huge_patch14_224"}};
  torchvision.rules = {
      {"class_token", "cls_token"},
      {"conv_proj.{p}", "patch_embed.proj.{p}"},
      {"encoder.pos_embedding", "pos_embed"},
      {"encoder.layers.encoder_layer_{i}.ln_1.{p}", "blocks.{i}.norm1.{p}"},
      {"encoder.layers.encoder_layer_{i}.self_attention.in_proj_{p}", "blocks.{i}.attn.qkv.{p}"},
      {"encoder.layers.encoder_layer_{i}.self_attention.out_proj.{p}", "blocks.{i}.attn.proj.{p}"},
      {"encoder.layers.encoder_layer_{i}.ln_2.{p}", "blocks.{i}.norm2.{p}"},
      {"encoder.layers.encoder_layer_{i}.mlp.0.{p}", "blocks.{i}.mlp.fc1.{p}"},
      {"encoder.layers.encoder_layer_{i}.mlp.3.{p}", "blocks.{i}.mlp.fc2.{p}"},
      {.from = "encoder.layers.encoder_layer_{i}.mlp.linear_1.{p}", .to = "blocks.{i}.mlp.fc1.{p}", .old = true},
      {.from = "encoder.layers.encoder_layer_{i}.mlp.linear_2.{p}", .to = "blocks.{i}.mlp.fc2.{p}", .old = true},
      {"encoder.ln.{p}", "norm.{p}"},
      {"heads.pre_logits.{p}", "pre_logits.fc.{p}"},
      {"heads.head.{p}", "head.{p}"},
  };
  registry.add("torchvision", torchvision);
}

}  // namespace tessera::weights

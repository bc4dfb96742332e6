// lucidrains' vit-pytorch, ViT and SimpleViT: https://github.com/lucidrains/vit-pytorch
#include "tessera/weights/origin.h"

namespace tessera::weights {

void register_lucidrains(OriginRegistry& registry) {
  Origin vit;
  vit.about = "lucidrains' vit-pytorch: transformer.layers.0.0.to_out.0.weight";
  vit.keys = {"transformer.layers.{i}.0.to_out.0.weight"};
  vit.architecture = {{"norm_eps", "1e-05"}};
  const std::string attention = "transformer.layers.{i}.0.", mlp = "transformer.layers.{i}.1.";
  vit.rules = {
      {"cls_token", "cls_token"},
      {"pos_embedding", "pos_embed"},
      {"to_patch_embedding.1.{p}", "patch_embed.norm1.{p}", "(y x c) -> (c y x)"},
      {"to_patch_embedding.2.weight", "patch_embed.proj.weight", "D (y x c) -> D c y x"},
      {"to_patch_embedding.2.bias", "patch_embed.proj.bias"},
      {"to_patch_embedding.3.{p}", "patch_embed.norm2.{p}"},
      {attention + "norm.{p}", "blocks.{i}.norm1.{p}"},
      {attention + "to_qkv.weight", "blocks.{i}.attn.qkv.weight"},
      {attention + "to_out.0.{p}", "blocks.{i}.attn.proj.{p}"},
      {mlp + "net.0.{p}", "blocks.{i}.norm2.{p}"},
      {mlp + "net.1.{p}", "blocks.{i}.mlp.fc1.{p}"},
      {mlp + "net.4.{p}", "blocks.{i}.mlp.fc2.{p}"},
      {"transformer.norm.{p}", "norm.{p}"},
      {"mlp_head.{p}", "head.{p}"},
  };
  registry.add("lucidrains", vit);

  // Fixed positions, no dropout and so other numbers, no bias of the attention's projection.
  Origin simple = vit;
  simple.about = "lucidrains' SimpleViT: transformer.layers.0.0.to_out.weight";
  simple.keys = {"transformer.layers.{i}.0.to_out.weight"};
  simple.architecture.emplace_back("pos_embed", "sincos_2d");
  for (Rule& rule : simple.rules) {
    if (rule.from == attention + "to_out.0.{p}") rule.from = attention + "to_out.{p}";
    if (rule.from == mlp + "net.4.{p}") rule.from = mlp + "net.3.{p}";
    if (rule.from == "mlp_head.{p}") rule.from = "linear_head.{p}";
  }
  registry.add("lucidrains-simple", simple);

  // Before version 1.0: norms in wrappers, the last one in the head, none around the patch embedding.
  vit.about = "lucidrains' vit-pytorch before 1.0: transformer.layers.0.0.fn.to_qkv.weight";
  vit.keys = {"transformer.layers.{i}.0.fn.to_qkv.weight"};
  vit.rules = {
      {"cls_token", "cls_token"},
      {"pos_embedding", "pos_embed"},
      {"to_patch_embedding.1.weight", "patch_embed.proj.weight", "D (y x c) -> D c y x"},
      {"to_patch_embedding.1.bias", "patch_embed.proj.bias"},
      {attention + "norm.{p}", "blocks.{i}.norm1.{p}"},
      {attention + "fn.to_qkv.weight", "blocks.{i}.attn.qkv.weight"},
      {attention + "fn.to_out.0.{p}", "blocks.{i}.attn.proj.{p}"},
      {mlp + "norm.{p}", "blocks.{i}.norm2.{p}"},
      {mlp + "fn.net.0.{p}", "blocks.{i}.mlp.fc1.{p}"},
      {mlp + "fn.net.3.{p}", "blocks.{i}.mlp.fc2.{p}"},
      {"mlp_head.0.{p}", "norm.{p}"},
      {"mlp_head.1.{p}", "head.{p}"},
  };
  registry.add("lucidrains-0", vit);
}

}  // namespace tessera::weights

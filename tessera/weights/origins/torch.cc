// PyTorch's own layers, torch.nn.TransformerEncoderLayer: https://pytorch.org/docs/stable/nn.html#transformer-layers
#include "tessera/weights/origin.h"

namespace tessera::weights {

void register_torch(OriginRegistry& registry) {
  Origin torch;
  torch.about = "PyTorch's TransformerEncoderLayer: layers.0.self_attn.in_proj_weight";
  torch.keys = {"layers.{i}.self_attn.in_proj_weight"};
  torch.architecture = {{"act", "relu"}, {"norm_eps", "1e-05"}};
  torch.rules = {
      {"word_embeddings.weight", "word_embeddings.weight"},
      {"position_embeddings.weight", "position_embeddings.weight"},
      {"norm.{p}", "norm.{p}"},
      {"layers.{i}.self_attn.in_proj_{p}", "layers.{i}.attn.qkv.{p}"},
      {"layers.{i}.self_attn.out_proj.{p}", "layers.{i}.attn.proj.{p}"},
      {"layers.{i}.linear1.{p}", "layers.{i}.mlp.fc1.{p}"},
      {"layers.{i}.linear2.{p}", "layers.{i}.mlp.fc2.{p}"},
      {"layers.{i}.norm1.{p}", "layers.{i}.norm1.{p}"},
      {"layers.{i}.norm2.{p}", "layers.{i}.norm2.{p}"},
      {"head.{p}", "head.{p}"},
  };
  registry.add("torch", torch);
}

}  // namespace tessera::weights

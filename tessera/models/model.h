// What every model family offers: pictures in, logits out, and what training and reports need to know of it. A text
// encoder is a model too: its input tensor holds words, and nothing between the loader and the model looks inside.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/nn/module.h"

namespace tessera::models {

struct PictureSize {
  int64_t height = 0, width = 0, channels = 0;
  bool any() const { return channels > 0; }
};

// How the values of a picture's channels are to be prepared: (pixel / 255 - mean) / std, one of each channel.
struct Normalisation {
  std::vector<double> mean, std;
};

// One step of a picture's way through the model, for `tessera info --shapes`.
struct ShapeStep {
  std::string what;        // "patch_embed", "blocks.0.attn"
  Shape shape;             // of one picture, without the batch
  int64_t parameters = 0;  // scalars of this step
  int64_t macs = 0;        // multiply-accumulates of one picture
};

// A product with weights (N, K): one that can be quantised.
struct Product {
  std::string weight;  // the parameter's name, "blocks.0.mlp.fc1.weight"
  std::string norm;    // the layer norm whose output goes to this product and nowhere else, if there is one
  std::string layer() const { return weight.substr(0, weight.rfind('.')); }
};

// How a parameter depends on the size of the pictures, so that weights of another size can be turned into it.
struct Spatial {
  enum class Kind {
    positions,  // a row for each of `extra` tokens, then for each cell of the grid
    relative,   // a row for each offset in the grid, then `extra` others
    patches,    // a kernel of the grid's size, in pixels
  };
  Kind kind;
  int64_t height, width;  // of the grid
  int64_t extra = 0;
};

class Model : public nn::Module {
 public:
  // images (B, H, W, C), f32, normalised -> features; for transformers tokens (B, N, D) after the final norm.
  virtual Tensor forward_features(const Tensor& images) = 0;
  // features -> logits (B, K)
  virtual Tensor forward_head(const Tensor& features) = 0;
  // images -> logits (B, K). A model may leave out what does not reach the head.
  virtual Tensor forward(const Tensor& images) { return forward_head(forward_features(images)); }

  // What a step of training makes smaller.
  struct TrainingOutput {
    Tensor logits;  // (B, K)
    // Heads that only training has, or hears: their logits (B, K), and how much their loss counts beside that of
    // `logits`.
    struct Auxiliary {
      Tensor logits;
      double weight;
    };
    std::vector<Auxiliary> auxiliary = {};
    // (B, 2·K), real parts, then imaginary ones: what the logits are the magnitudes of, where the model is
    // complex-valued.
    Tensor complex_logits = {};
    // Of a model with a head for a teacher's answers (DeiT's distillation token): the logits (B, K) of the two heads,
    // of which `logits` is the mean. With a teacher the first learns the labels and the second the teacher.
    struct Heads {
      Tensor by_label, by_teacher;
    };
    std::optional<Heads> heads = std::nullopt;
  };
  // For models with heads of training's own (GoogLeNet's, DeiT's), or complex outputs; of the others the logits.
  virtual TrainingOutput forward_training(const Tensor& images) { return {forward(images)}; }
  virtual bool has_complex_logits() const { return false; }  // whether forward_training() gives some

  // Training then keeps no intermediates within blocks and computes them again in backward: much less memory, about a
  // third more time, the same gradients. Families without blocks ignore it.
  void set_recompute(bool recompute) { recompute_ = recompute; }

  virtual PictureSize input() const = 0;  // none where the model reads no pictures
  // Where the model can take no other, since it computes with the colours; nothing: as is usual for its origin.
  virtual std::optional<Normalisation> normalisation() const { return std::nullopt; }
  virtual int64_t num_classes() const = 0;
  // The architecture as a JSON object with its "family": building from it gives this model again, without its weights.
  virtual std::string architecture() const = 0;
  virtual std::vector<ShapeStep> shapes() = 0;
  int64_t macs();  // of one picture: products only, as papers count

  // In the order of the forward pass; none where a family cannot be quantised.
  virtual std::vector<Product> products() const { return {}; }

  // For layer-wise decay: 0 is what comes before the blocks, 1 … depth the blocks (the final norm belongs to the last),
  // depth + 1 the head. `num_layers` is depth + 2.
  virtual int64_t layer_of(const std::string& parameter) const = 0;
  virtual int64_t num_layers() const = 0;
  // Whether weight decay leaves this parameter out by name (tokens, positions). One-dimensional ones are left out
  // anyway.
  virtual bool no_weight_decay(const std::string& parameter) const = 0;
  // How this parameter depends on the size of the pictures; nothing where it does not.
  virtual std::optional<Spatial> spatial(const std::string& /*parameter*/) const { return std::nullopt; }
  // Parameters of the final classifier, which fine-tuning to other classes starts anew.
  virtual std::vector<std::string> head_parameters() const = 0;

 protected:
  bool recompute() const { return recompute_; }

 private:
  bool recompute_ = false;
};

}  // namespace tessera::models

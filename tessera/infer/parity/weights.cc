#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tessera/core/text.h"
#include "tessera/infer/parity/suspects.h"

namespace tessera::parity {
namespace {

using Rows = std::vector<int64_t>;

constexpr std::array<const char*, 3> kQkv = {"q", "k", "v"};

// w (R, …) with its rows in another order: row i of the result is row rows[i].
Tensor reordered(const Tensor& w, const Rows& rows) {
  const Tensor result = Tensor::empty(w.shape());
  const int64_t width = w.numel() / w.size(0);
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy_n(w.data() + rows[i] * width, width, result.data() + static_cast<int64_t>(i) * width);
  return result;
}

// w (outer, a, b, inner) -> (outer, b, a, inner), under the old shape.
Tensor swapped(const Tensor& w, int64_t outer, int64_t a, int64_t b, int64_t inner) {
  const Tensor result = Tensor::empty(w.shape());
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < a; ++i)
      for (int64_t j = 0; j < b; ++j)
        std::copy_n(w.data() + ((o * a + i) * b + j) * inner, inner, result.data() + ((o * b + j) * a + i) * inner);
  return result;
}

// A square matrix: a parameter of its own, or a third of qkv (row blocks q, k, v).
struct Square {
  std::string parameter;
  int third = -1;
  std::string label;  // "blocks.3.attn.proj"
  std::string kind;   // the same of every block: "attn.proj"
};

// "attn.proj" of "blocks.3.attn.proj": what every block has.
std::string kind_of(const std::string& layer) {
  std::string kind;
  for (const std::string& part : split(layer, '.')) {
    const bool number = part.find_first_not_of("0123456789") == std::string::npos;
    kind = number ? "" : kind + (kind.empty() ? "" : ".") + part;
  }
  return kind;
}

void transpose(Setup& setup, const Square& square) {
  Tensor& w = setup.parameters.at(square.parameter);
  const int64_t D = w.size(1);
  if (square.third < 0) {
    w = swapped(w, 1, D, D, 1);
    return;
  }
  w = w.clone();
  const Tensor third = w.rows(square.third * D, D);
  const Tensor turned = swapped(third, 1, D, D, 1);
  std::copy_n(turned.data(), turned.numel(), third.data());
}

class Weights {
 public:
  explicit Weights(const Setup& setup) : setup_(setup) {
    const auto keys = nlohmann::json::parse(setup.architecture);
    if (keys.contains("num_heads") && keys["num_heads"].is_number_integer()) heads_ = keys["num_heads"];
    for (const auto& [name, w] : setup.parameters) {
      if (name.ends_with(".attn.qkv.weight")) qkv_.push_back(name.substr(0, name.size() - 6));
      if (name.ends_with(".norm1.weight")) blocks_.push_back(name.substr(0, name.size() - 12));
    }
    if (!qkv_.empty()) {
      const int64_t rows = setup.parameters.at(qkv_[0] + "weight").size(0);
      if (heads_ > 0 && rows % (3 * heads_) == 0) head_dim_ = rows / 3 / heads_;
    }
  }

  std::vector<Suspect> suspects() {
    add_transposes();
    add_orders();
    add_layouts();
    add_scales();
    add_patches();
    add_positions();
    add_norms();
    return std::move(suspects_);
  }

 private:
  void add(const std::string& group, const std::string& name, const std::string& advice,
           std::function<void(Setup&)> change) {
    suspects_.push_back({.group = group, .name = name, .advice = advice, .change = std::move(change)});
  }

  std::vector<Square> squares() const {
    std::vector<Square> found;
    for (const auto& [name, w] : setup_.parameters) {
      if (!name.ends_with(".weight") || w.rank() != 2) continue;
      const std::string label = name.substr(0, name.size() - 7), kind = kind_of(label);
      if (w.size(0) == w.size(1)) found.push_back({name, -1, label, kind});
      if (!name.ends_with(".attn.qkv.weight") || w.size(0) != 3 * w.size(1)) continue;
      for (int third = 0; third < 3; ++third)
        found.push_back({name, third, label + " (" + kQkv[static_cast<size_t>(third)] + ")",
                         kind + " (" + kQkv[static_cast<size_t>(third)] + ")"});
    }
    return found;
  }

  void add_transpose(const std::string& what, const std::vector<Square>& which) {
    add("transpose", what + " transposed", "the weights of " + what + " were read with inputs and outputs exchanged",
        [which](Setup& setup) {
          for (const Square& square : which) transpose(setup, square);
        });
  }

  void add_transposes() {
    const std::vector<Square> all = squares();
    std::map<std::string, std::vector<Square>> kinds;
    for (const Square& square : all) kinds[square.kind].push_back(square);
    const auto with = [&](const char* tail) {
      std::vector<Square> some;
      std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                   [&](const Square& square) { return square.kind.find(tail) != std::string::npos; });
      return some;
    };
    for (const auto& [kind, which] : kinds) {
      add_transpose(kind, which);
      if (which.size() == 1) continue;
      for (const Square& one : which) {
        add_transpose(one.label, {one});
        suspects_.back().rare = true;
      }
    }
    if (const auto qkv = with("attn.qkv"); !qkv.empty()) add_transpose("q, k and v", qkv);
    if (const auto attn = with("attn."); !attn.empty()) add_transpose("q, k, v and attn.proj", attn);
    if (kinds.size() > 1) add_transpose("every square matrix", all);
  }

  void add_rows(const std::string& group, const std::string& name, const std::string& advice, const Rows& rows) {
    add(group, name, advice, [rows, layers = qkv_](Setup& setup) {
      for (const std::string& layer : layers)
        for (const char* part : {"weight", "bias"})
          if (const auto found = setup.parameters.find(layer + part); found != setup.parameters.end())
            found->second = reordered(found->second, rows);
    });
  }

  // Third i of the result is third order[i] of the file.
  void add_orders() {
    if (qkv_.empty() || setup_.parameters.at(qkv_[0] + "weight").size(0) % 3 != 0) return;
    const int64_t third = setup_.parameters.at(qkv_[0] + "weight").size(0) / 3;
    std::array<size_t, 3> order = {0, 1, 2};
    while (std::next_permutation(order.begin(), order.end())) {
      Rows rows;
      std::array<std::string, 3> stored;
      for (size_t i = 0; i < 3; ++i) {
        stored[order[i]] = kQkv[i];
        for (int64_t r = 0; r < third; ++r) rows.push_back(static_cast<int64_t>(order[i]) * third + r);
      }
      const std::string text = stored[0] + ", " + stored[1] + ", " + stored[2];
      add_rows("qkv", "q/k/v in the order " + text,
               "attn.qkv holds them as " + text + ", and here they were taken for q, k, v", rows);
    }
  }

  // Rows that do not run over (q/k/v, head, channel), from the outside to the inside.
  void add_layouts() {
    if (head_dim_ == 0) return;
    const int64_t h = heads_, d = head_dim_;
    const auto layout = [&](const std::string& text, int64_t of_third, int64_t of_head, int64_t of_channel) {
      Rows rows;
      for (int64_t t = 0; t < 3; ++t)
        for (int64_t head = 0; head < h; ++head)
          for (int64_t j = 0; j < d; ++j) rows.push_back(t * of_third + head * of_head + j * of_channel);
      add_rows("qkv", "rows of attn.qkv by " + text,
               "attn.qkv runs over " + text + ", and here it was taken for (q/k/v, head, channel)", rows);
    };
    if (h > 1) layout("(head, q/k/v, channel)", d, 3 * d, 1);
    if (h > 1) layout("(head, channel, q/k/v)", 1, 3 * d, 3);
    if (h > 1) layout("(q/k/v, channel, head)", h * d, 1, h);
    layout("(channel, q/k/v, head)", h, 1, 3 * h);
  }

  // Attention divides by √d; what the original does otherwise lies as a factor on q.
  void add_scales() {
    if (head_dim_ == 0 || setup_.parameters.count(qkv_[0].substr(0, qkv_[0].size() - 4) + "q_norm.weight")) return;
    const auto scale = [&](const std::string& text, double factor) {
      add("scale", "attention scaled by " + text,
          "the original scales by " + text + " where this model has 1/sqrt(head width): multiply the rows of q by " +
              fmt::format("{:.6g}", factor),
          [factor, layers = qkv_, rows = heads_ * head_dim_](Setup& setup) {
            for (const std::string& layer : layers) {
              for (const char* part : {"weight", "bias"}) {
                const auto found = setup.parameters.find(layer + part);
                if (found == setup.parameters.end()) continue;
                found->second = found->second.clone();
                for (float& value : found->second.rows(0, rows).span()) value = static_cast<float>(value * factor);
              }
            }
          });
    };
    const auto d = static_cast<double>(head_dim_);
    scale("1", std::sqrt(d));
    if (heads_ > 1) scale("1/sqrt(width)", 1 / std::sqrt(static_cast<double>(heads_)));
    scale("1/(head width)", 1 / std::sqrt(d));
  }

  void add_patches() {
    const auto found = setup_.parameters.find("patch_embed.proj.weight");
    if (found == setup_.parameters.end() || found->second.rank() != 4) return;
    const Shape shape = found->second.shape();
    const int64_t D = shape[0], C = shape[1], h = shape[2], w = shape[3];
    const auto kernel = [&](const std::string& name, const std::string& advice,
                            const std::function<Tensor(const Tensor&)>& change) {
      add("patch", name, advice, [change](Setup& setup) {
        Tensor& kernel = setup.parameters.at("patch_embed.proj.weight");
        kernel = change(kernel);
      });
    };
    if (h == w && h > 1)
      kernel("patch pixels column by column", "the patch kernel's rows and columns are exchanged",
             [=](const Tensor& k) { return swapped(k, D * C, h, w, 1); });
    if (C > 1)
      kernel("patch pixels with the channels innermost",
             "the patch kernel runs over (row, column, channel), and here it was taken for (channel, row, column)",
             [=](const Tensor& k) { return swapped(k, D, h * w, C, 1); });
  }

  void add_positions() {
    const auto found = setup_.parameters.find("pos_embed");
    const auto keys = nlohmann::json::parse(setup_.architecture);
    if (found == setup_.parameters.end() || !keys.contains("img_size") || !keys.contains("patch_size")) return;
    const auto side = [&](size_t i) {
      return keys["img_size"][i].get<int64_t>() / keys["patch_size"][i].get<int64_t>();
    };
    const int64_t h = side(0), w = side(1), D = found->second.size(-1), prefix = found->second.size(-2) - h * w;
    const auto table = [&](const std::string& name, const std::string& advice,
                           const std::function<void(Tensor & positions)>& change) {
      add("positions", name, advice, [change](Setup& setup) {
        Tensor& positions = setup.parameters.at("pos_embed");
        positions = positions.clone();
        change(positions);
      });
    };
    table("no positions", "the original does not add pos_embed",
          [](Tensor& positions) { std::fill(positions.span().begin(), positions.span().end(), 0.0f); });
    if (prefix < 0) return;
    if (h > 1 && w > 1)
      table("positions column by column", "the rows of pos_embed run down the columns of the picture", [=](Tensor& p) {
        const Tensor grid = p.reshape({prefix + h * w, D}).rows(prefix, h * w);
        const Tensor turned = swapped(grid, 1, w, h, D);
        std::copy_n(turned.data(), turned.numel(), grid.data());
      });
    if (prefix > 0)
      table("positions for the patches alone", "the original adds no position to its class token and registers",
            [=](Tensor& p) { std::fill_n(p.data(), prefix * D, 0.0f); });
  }

  void add_norms() {
    if (blocks_.empty()) return;
    add("norms", "norm1 and norm2 exchanged",
        "the norm before attention is the one before the MLP, and the other way round",
        [blocks = blocks_](Setup& setup) {
          for (const std::string& block : blocks)
            for (const char* part : {"weight", "bias"})
              std::swap(setup.parameters.at(block + "norm1." + part), setup.parameters.at(block + "norm2." + part));
        });
  }

  const Setup& setup_;
  int64_t heads_ = 0, head_dim_ = 0;
  std::vector<std::string> qkv_;     // "blocks.0.attn.qkv."
  std::vector<std::string> blocks_;  // "blocks.0."
  std::vector<Suspect> suspects_;
};

}  // namespace

std::vector<Suspect> suspects_of_weights(const Setup& setup) { return Weights(setup).suspects(); }

}  // namespace tessera::parity

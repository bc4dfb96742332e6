#include "tessera/cli/bench_complexity.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/cli/bench_steps.h"
#include "tessera/cli/output.h"
#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/kernels/profile.h"
#include "tessera/models/registry.h"
#include "tessera/ops/tap.h"

namespace tessera::cli {
namespace {

// Operations and seconds of a step, and of them those of attention.
struct Counted {
  double operations = 0, attention = 0, attention_seconds = 0;
};

Counted profiled(const std::function<void()>& step) {
  kernels::Profile profile;
  kernels::cpu_context().profile = &profile;
  step();
  kernels::cpu_context().profile = nullptr;
  Counted counted;
  for (const auto& [work, calls, seconds] : profile.rows()) {
    const double operations = static_cast<double>(calls) * work.operations;
    counted.operations += operations;
    if (work.what.find("attention") == std::string::npos) continue;
    counted.attention += operations;
    counted.attention_seconds += seconds;
  }
  return counted;
}

int64_t tokens_of(models::Model& model) {
  for (const models::ShapeStep& step : model.shapes())
    if (step.what != "input" && step.shape.rank() == 3) return step.shape[0] * step.shape[1];
  return 0;
}

CostAt cost_at(const std::string& name, int64_t size, const ComplexityOptions& o) {
  const std::string architecture =
      models::with_settings(models::architecture_of(name), {{"img_size", std::to_string(size)}});
  std::shared_ptr<models::Model> model = models::build(architecture);
  model->initialise(0);
  CostAt cost{.size = size, .tokens = tokens_of(*model), .macs = static_cast<double>(model->macs())};
  const auto B = static_cast<double>(o.batch);
  const std::function<void()> step = infer_step(model, o.batch);
  cost.ms = 1e3 * measure(step, o.seconds).median() / B;
  const Counted made = profiled(step);
  cost.attention_ms = 1e3 * made.attention_seconds / B;
  cost.gflops = made.operations / B / cost.ms / 1e6;
  const ops::Taps listening([](const std::string&) { return false; });  // then no model leaves out what no head reads
  cost.attention_macs = profiled(step).attention / 2 / B;
  return cost;
}

std::string slope_of(const CostOfModel& model, double CostAt::*y) {
  const double slope = growth(model, y);
  return std::isfinite(slope) ? fmt::format(", slope {:.2f}", slope) : "";
}

report::Chart chart_of(const std::vector<CostOfModel>& models, const std::string& title, double CostAt::*counted,
                       double CostAt::*measured) {
  report::Chart chart{.title = title, .x_label = "pixels of the picture; y: ms a picture"};
  chart.x_scale = chart.y_scale = report::Scale::logarithmic;
  chart.height = 340;
  for (const CostOfModel& model : models) {
    report::Series points{
        .name = model.name + ": measured" + slope_of(model, measured), .marked = true, .joined = false};
    report::Series line{.name = "counted" + slope_of(model, counted)};
    const CostAt& largest = model.at.back();
    const double ms_each = largest.*measured / largest.*counted;
    for (const CostAt& cost : model.at) {
      const auto pixels = static_cast<double>(cost.size * cost.size);
      if (cost.*measured > 0) points.points.push_back({pixels, cost.*measured});
      if (cost.*counted > 0) line.points.push_back({pixels, cost.*counted * ms_each});
    }
    chart.series.push_back(std::move(points));
    chart.series.push_back(std::move(line));
  }
  return chart;
}

nlohmann::ordered_json as_json(const std::vector<CostOfModel>& models) {
  auto list = nlohmann::ordered_json::array();
  for (const CostOfModel& model : models)
    for (const CostAt& cost : model.at)
      list.push_back({{"model", model.name},
                      {"size", cost.size},
                      {"tokens", cost.tokens},
                      {"macs", cost.macs},
                      {"attention_macs", cost.attention_macs},
                      {"ms", cost.ms},
                      {"attention_ms", cost.attention_ms},
                      {"gflops", cost.gflops}});
  return list;
}

std::vector<std::string> cells(const std::string& model, const CostAt& cost) {
  return {model,
          std::to_string(cost.size),
          grouped(cost.tokens),
          format_count(cost.macs),
          format_count(cost.attention_macs),
          fmt::format("{:.1f} %", 100 * cost.attention_macs / cost.macs),
          fmt::format("{:.3g}", cost.ms),
          fmt::format("{:.3g}", cost.attention_ms),
          fmt::format("{:.3g}", cost.gflops)};
}

}  // namespace

std::vector<CostOfModel> measure_complexity(const ComplexityOptions& options,
                                            const std::function<void(const std::vector<CostOfModel>&)>& told) {
  std::vector<CostOfModel> models;
  for (const std::string& name : options.models) {
    models.push_back({name, {}});
    for (const int64_t size : options.sizes) {
      models.back().at.push_back(cost_at(name, size, options));
      told(models);
    }
  }
  return models;
}

double growth(const CostOfModel& model, double CostAt::*y) {
  double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
  for (const CostAt& cost : model.at) {
    if (!(cost.*y > 0)) continue;
    const double at = std::log(static_cast<double>(cost.size * cost.size)), value = std::log(cost.*y);
    n += 1;
    sum_x += at;
    sum_y += value;
    sum_xx += at * at;
    sum_xy += at * value;
  }
  return (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
}

std::string complexity_csv(const std::vector<CostOfModel>& models) {
  std::string out = "model,size,tokens,macs,attention_macs,ms,attention_ms,gflops\n";
  for (const CostOfModel& model : models)
    for (const CostAt& cost : model.at)
      out += fmt::format("{},{},{},{},{},{},{},{}\n", csv_cell(model.name), cost.size, cost.tokens, cost.macs,
                         cost.attention_macs, cost.ms, cost.attention_ms, cost.gflops);
  return out;
}

std::string complexity_svg(const std::vector<CostOfModel>& models) {
  return report::figure_svg({chart_of(models, "Attention alone", &CostAt::attention_macs, &CostAt::attention_ms),
                             chart_of(models, "The whole model", &CostAt::macs, &CostAt::ms)},
                            2);
}

void bench_complexity(const ComplexityOptions& options, const std::filesystem::path& out, bool json) {
  if (options.models.empty() || options.sizes.empty()) fail_usage("--models and --sizes need at least one each");
  Table table({"model", "size", "tokens", "operations", "attention", "share", "ms", "attention ms", "GFLOP/s"},
              "lrrrrrrrr");
  const auto told = [&](const std::vector<CostOfModel>& so_far) {
    write_atomically(out.string() + ".csv", complexity_csv(so_far));
    write_atomically(out.string() + ".svg", complexity_svg(so_far));
    const CostAt& cost = so_far.back().at.back();
    table.add(cells(so_far.back().name, cost));
    if (json) return;
    print("{} at {}: {:.3g} ms\n", so_far.back().name, cost.size, cost.ms);
    flush();
  };
  const std::vector<CostOfModel> models = measure_complexity(options, told);
  if (json) {
    print("{}\n", as_json(models).dump());
    return;
  }
  print("\n{}\n", table.text());
  for (const CostOfModel& model : models) {
    const double whole = growth(model, &CostAt::macs), attention = growth(model, &CostAt::attention_macs);
    if (!std::isfinite(whole)) continue;  // one size
    print("{}: operations grow with pixels to the power of {:.2f}, time {:.2f}", model.name, whole,
          growth(model, &CostAt::ms));
    if (std::isfinite(attention))
      print("; of attention alone {:.2f}, {:.2f}", attention, growth(model, &CostAt::attention_ms));
    print("\n");
  }
  print("\noperations: multiply-accumulates of a picture; {}.csv and {}.svg have all of it\n", out.string(),
        out.string());
}

}  // namespace tessera::cli

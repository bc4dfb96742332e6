#include "tessera/kernels/conv2d.h"

#include "tessera/core/error.h"
#include "tessera/kernels/add.h"
#include "tessera/kernels/batch_norm.h"
#include "tessera/kernels/column_sums.h"
#include "tessera/kernels/copy.h"
#include "tessera/kernels/cpu/depthwise.h"
#include "tessera/kernels/cpu/onednn.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

using dnnl::algorithm;
using dnnl::memory;
constexpr auto kF32 = memory::data_type::f32;

enum class Direction { forward, backward_data, backward_weights };

// What a forward convolution does besides.
struct Epilogue {
  bool bias = false, add = false;
  Activation activation = Activation::none;
  bool after_norm = false, after_add = false;

  Epilogue() = default;
  explicit Epilogue(const Conv2dForward& args)
      : bias(args.bias),
        add(args.residual),
        activation(args.activation),
        after_norm(args.after_scale),
        after_add(args.after_residual) {}
};

struct Plan {
  dnnl::primitive convolution;
  memory::desc x, w, bias, y, scratchpad;  // or their gradients
  onednn::Reorder weights;                 // into the convolution's layout, and for their gradient out of it
  bool sum_apart = false;                  // the residual, and all behind it, are added in a pass of their own
  bool after_apart = false;                // what comes behind the activation is
};

std::string describe(const Conv2dShape& s) {
  return fmt::format("the convolution of ({}, {}, {}, {}) with ({}, {}, {}, {}) in {} groups, stride {}×{}", s.B, s.H,
                     s.W, s.C, s.O, s.C / s.groups, s.window.kernel.h, s.window.kernel.w, s.groups, s.window.stride.h,
                     s.window.stride.w);
}

// Of one product: forward, or backward to x or to w.
Work work_of(const Conv2dShape& s, const char* direction) {
  const auto [kh, kw] = s.window.kernel;
  return {fmt::format("convolution{} {}x{} stride {} ({}, {}, {}, {}) -> {}{}", direction, kh, kw, s.window.stride.h,
                      s.B, s.H, s.W, s.C, s.O, s.groups > 1 ? fmt::format(", {} groups", s.groups) : ""),
          2.0 * static_cast<double>(s.y_size() * s.w_size() / s.O),
          4.0 * static_cast<double>(s.x_size() + s.w_size() + s.y_size())};
}

// oneDNN's order of the extents is that of PyTorch, whatever the layout in memory; groups come first.
memory::desc weights(const Conv2dShape& s, memory::format_tag tag, memory::format_tag grouped_tag) {
  const auto [kh, kw] = s.window.kernel;
  if (s.groups == 1) return {{s.O, s.C, kh, kw}, kF32, tag};
  return {{s.groups, s.O / s.groups, s.C / s.groups, kh, kw}, kF32, grouped_tag};
}

template <class PrimitiveDesc>
void check(const PrimitiveDesc& chosen, const Conv2dShape& s) {
  onednn::refuse_reference(chosen.impl_info_str(), describe(s));
}

void append(dnnl::post_ops& ops, Activation activation) {
  const auto eltwise = [&](algorithm which, float a = 0, float b = 0) { ops.append_eltwise(1.0f, which, a, b); };
  switch (activation) {
    case Activation::none:
      return;
    case Activation::relu:
      return eltwise(algorithm::eltwise_relu);
    case Activation::gelu_erf:
      return eltwise(algorithm::eltwise_gelu_erf);
    case Activation::gelu_tanh:
      return eltwise(algorithm::eltwise_gelu_tanh);
    case Activation::tanh:
      return eltwise(algorithm::eltwise_tanh);
    case Activation::sigmoid:
      return eltwise(algorithm::eltwise_logistic);
    case Activation::silu:
      return eltwise(algorithm::eltwise_swish, 1.0f);
    case Activation::relu6:
      return eltwise(algorithm::eltwise_clip, 0.0f, 6.0f);
    case Activation::hard_swish:
      return eltwise(algorithm::eltwise_hardswish);
  }
}

// y: layout of the result.
dnnl::primitive_attr attributes_of(const Epilogue& epilogue, const memory::desc& y) {
  dnnl::primitive_attr attributes = onednn::attributes();
  const memory::desc channels({1, y.dims()[1], 1, 1}, kF32, memory::format_tag::nchw);
  dnnl::post_ops ops;
  if (epilogue.add) ops.append_sum(1.0f);
  append(ops, epilogue.activation);
  if (epilogue.after_norm) ops.append_binary(algorithm::binary_mul, channels);
  if (epilogue.after_norm) ops.append_binary(algorithm::binary_add, channels);
  if (epilogue.after_add) ops.append_binary(algorithm::binary_add, y);
  attributes.set_post_ops(ops);
  return attributes;
}

// The operands of the binary ones among attributes_of()'s, in their order.
void add_operands(const Conv2dForward& args, const memory::desc& y, std::unordered_map<int, memory>& operands) {
  const memory::desc channels({1, args.shape.O, 1, 1}, kF32, memory::format_tag::nchw);
  int number = (args.residual ? 1 : 0) + (args.activation != Activation::none ? 1 : 0);
  const auto add = [&](const float* elements, const memory::desc& layout) {
    if (!elements) return;
    operands[DNNL_ARG_ATTR_MULTIPLE_POST_OP(number++) | DNNL_ARG_SRC_1] = onednn::operand(layout, elements);
  };
  add(args.after_scale, channels);
  add(args.after_shift, channels);
  add(args.after_residual, y);
}

// out = act(x·scale + shift + residual), where a null scale is 1, with a null shift of 0.
void affine(Context& context, const Conv2dForward& args, const float* x, const float* scale, const float* shift,
            const float* residual, Activation activation) {
  const std::vector<float> zeros(static_cast<size_t>(args.shape.O), 0.0f), ones(zeros.size(), 1.0f);
  batch_norm_forward(context, {.x = x,
                               .mean = zeros.data(),
                               .variance = ones.data(),
                               .gamma = scale ? scale : ones.data(),
                               .beta = scale ? shift : zeros.data(),
                               .residual = residual,
                               .y = args.y,
                               .shape = {.P = args.shape.y_size() / args.shape.O, .C = args.shape.O},
                               .eps = 0,
                               .activation = activation});
}

Plan make_plan(const Conv2dShape& s, Direction direction, Epilogue epilogue) {
  using tag = memory::format_tag;
  const auto [out_h, out_w] = s.out();
  Plan plan;
  plan.x = {{s.B, s.C, s.H, s.W}, kF32, tag::nhwc};
  plan.y = {{s.B, s.O, out_h, out_w}, kF32, tag::nhwc};
  if (epilogue.bias) plan.bias = {{s.O}, kF32, tag::a};
  const memory::desc any_w = weights(s, tag::any, tag::any), plain_w = weights(s, tag::oihw, tag::goihw);
  const auto& [kernel, stride, pad] = s.window;
  const memory::dims strides{stride.h, stride.w}, before{pad.top, pad.left}, after{pad.bottom, pad.right};
  const auto attributes = onednn::attributes();
  const auto& engine = onednn::engine();
  const auto direct = algorithm::convolution_direct;
  const auto forward_kind =
      direction == Direction::forward ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training;
  const auto describe_forward = [&] {
    return dnnl::convolution_forward::primitive_desc(
        {forward_kind, direct, plan.x, any_w, plan.bias, plan.y, strides, before, after},
        attributes_of(epilogue, plan.y), engine);
  };

  auto forward = describe_forward();
  if (direction == Direction::forward) {
    const std::string chosen = forward.impl_info_str();
    const bool after = epilogue.after_norm || epilogue.after_add;
    plan.sum_apart = epilogue.add && !onednn::sum_works(chosen, s.O);
    plan.after_apart = after && (plan.sum_apart || !onednn::binary_post_ops_work(chosen));
    if (plan.after_apart) epilogue.after_norm = epilogue.after_add = false;
    if (plan.sum_apart) epilogue.add = false, epilogue.activation = Activation::none;
    if (plan.after_apart || plan.sum_apart) forward = describe_forward();
    check(forward, s);
    plan.convolution = dnnl::convolution_forward(forward);
    plan.w = forward.weights_desc();
    plan.scratchpad = forward.scratchpad_desc();
    plan.weights = onednn::Reorder(plain_w, plan.w);
  } else if (direction == Direction::backward_data) {
    const dnnl::convolution_backward_data::primitive_desc backward(
        {direct, plan.x, any_w, plan.y, strides, before, after}, attributes, engine, forward);
    check(backward, s);
    plan.convolution = dnnl::convolution_backward_data(backward);
    plan.w = backward.weights_desc();
    plan.scratchpad = backward.scratchpad_desc();
    plan.weights = onednn::Reorder(plain_w, plan.w);
  } else {
    const dnnl::convolution_backward_weights::primitive_desc backward(
        {direct, plan.x, any_w, plan.y, strides, before, after}, attributes, engine, forward);
    check(backward, s);
    plan.convolution = dnnl::convolution_backward_weights(backward);
    plan.w = backward.diff_weights_desc();
    plan.scratchpad = backward.scratchpad_desc();
    plan.weights = onednn::Reorder(plan.w, plain_w);
  }
  return plan;
}

std::shared_ptr<const Plan> plan_of(const Conv2dShape& s, Direction direction, const Epilogue& epilogue = {}) {
  static auto* const plans = new onednn::PlanCache<Plan>;
  const auto& [kernel, stride, pad] = s.window;
  return plans->get(
      {static_cast<int64_t>(direction),
       epilogue.bias,
       epilogue.add,
       static_cast<int64_t>(epilogue.activation),
       epilogue.after_norm,
       epilogue.after_add,
       s.B,
       s.H,
       s.W,
       s.C,
       s.O,
       s.groups,
       kernel.h,
       kernel.w,
       stride.h,
       stride.w,
       pad.top,
       pad.left,
       pad.bottom,
       pad.right},
      [&] { return describe(s); }, [&] { return make_plan(s, direction, epilogue); });
}

// oneDNN's gradients overwrite. Where they must be added, fill(out) writes into a buffer that is added afterwards.
template <class Fill>
void write_or_add(Context& context, const Grad& grad, int64_t n, Fill fill) {
  if (!grad.accumulate) return fill(grad.data);
  const auto buffer = allocate(static_cast<size_t>(n) * sizeof(float));
  auto* elements = reinterpret_cast<float*>(buffer.get());
  fill(elements);
  accumulate(context, {.x = elements, .y = grad, .n = n});
}

void backward_data(Context& context, const Conv2dBackward& args, float* dx) {
  const Measured measured(context, [&] { return work_of(args.shape, ", backward"); });
  const auto plan = plan_of(args.shape, Direction::backward_data);
  std::shared_ptr<std::byte> holder;
  const void* w = plan->weights.apply(args.w, holder);
  onednn::execute(plan->convolution, plan->scratchpad,
                  {{DNNL_ARG_DIFF_DST, onednn::operand(plan->y, args.dy)},
                   {DNNL_ARG_WEIGHTS, onednn::operand(plan->w, w)},
                   {DNNL_ARG_DIFF_SRC, onednn::operand(plan->x, dx)}});
}

void backward_weights(Context& context, const Conv2dBackward& args, float* dw) {
  const Measured measured(context, [&] { return work_of(args.shape, ", backward"); });
  const auto plan = plan_of(args.shape, Direction::backward_weights);
  std::shared_ptr<std::byte> holder;
  float* arranged = dw;  // dw in the convolution's layout
  if (plan->weights.needed()) {
    holder = allocate(plan->w.get_size());
    arranged = reinterpret_cast<float*>(holder.get());
  }
  onednn::execute(plan->convolution, plan->scratchpad,
                  {{DNNL_ARG_DIFF_DST, onednn::operand(plan->y, args.dy)},
                   {DNNL_ARG_SRC, onednn::operand(plan->x, args.x)},
                   {DNNL_ARG_DIFF_WEIGHTS, onednn::operand(plan->w, arranged)}});
  if (plan->weights.needed()) plan->weights.run(arranged, dw);
}

// The convolution with its epilogue, but for what the plan leaves apart.
void convolve(Context& context, const Conv2dForward& args, const Plan& plan, float* y) {
  const Measured measured(context, [&] { return work_of(args.shape, ""); });
  const auto O = static_cast<size_t>(args.shape.O);
  std::shared_ptr<std::byte> holder;
  const void* w = args.scale ? plan.weights.apply_scaled(args.w, {args.scale, O}, holder, args.frozen)
                             : plan.weights.apply(args.w, holder, args.frozen);
  std::unordered_map<int, memory> operands = {{DNNL_ARG_SRC, onednn::operand(plan.x, args.x)},
                                              {DNNL_ARG_WEIGHTS, onednn::operand(plan.w, w)},
                                              {DNNL_ARG_DST, onednn::operand(plan.y, y)}};
  if (args.bias) operands[DNNL_ARG_BIAS] = onednn::operand(plan.bias, args.bias);
  if (!plan.after_apart) add_operands(args, plan.y, operands);
  onednn::execute(plan.convolution, plan.scratchpad, std::move(operands));
}

}  // namespace

void conv2d_forward(Context& context, const Conv2dForward& args) {
  const Conv2dShape& s = args.shape;
  const auto plan = plan_of(s, Direction::forward, Epilogue(args));
  const bool in_place = args.residual == args.y;
  if (args.residual && !in_place && !plan->sum_apart)  // the convolution adds to what is there
    copy_samples(context, {.x = args.residual,
                           .x_stride = s.out().w * s.O,
                           .y = {args.y},
                           .y_stride = s.out().w * s.O,
                           .samples = s.B * s.out().h,
                           .n = s.out().w * s.O});
  float* y = args.y;
  std::shared_ptr<std::byte> apart;
  if (plan->sum_apart && in_place) {
    apart = allocate(plan->y.get_size());
    y = reinterpret_cast<float*>(apart.get());
  }
  convolve(context, args, *plan, y);
  if (plan->sum_apart) affine(context, args, y, nullptr, nullptr, args.residual, args.activation);
  if (plan->after_apart)
    affine(context, args, args.y, args.after_scale, args.after_shift, args.after_residual, Activation::none);
}

void conv2d_backward(Context& context, const Conv2dBackward& args) {
  const Conv2dShape& s = args.shape;
  if (args.dx) write_or_add(context, args.dx, s.x_size(), [&](float* dx) { backward_data(context, args, dx); });
  if (args.dw && is_depthwise(s)) {
    const Measured measured(context, [&] { return work_of(s, ", backward"); });
    depthwise_backward_weights(args);
  } else if (args.dw) {
    write_or_add(context, args.dw, s.w_size(), [&](float* dw) { backward_weights(context, args, dw); });
  }
  if (args.dbias)
    column_sums(context, {.x = args.dy, .sums = args.dbias, .rows = s.B * s.out().h * s.out().w, .N = s.O});
}

}  // namespace tessera::kernels

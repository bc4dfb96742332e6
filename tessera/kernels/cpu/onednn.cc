#include "tessera/kernels/cpu/onednn.h"

#include <algorithm>

#include "tessera/core/allocator.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"

namespace tessera::kernels::onednn {

// Never destroyed: a thread may still hold a stream when static storage goes.
const dnnl::engine& engine() {
  static const auto* const instance = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *instance;
}

dnnl::memory operand(const dnnl::memory::desc& layout, const void* elements) {
  return {layout, engine(), const_cast<void*>(elements)};
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void refuse_reference(const std::string& implementation, const std::string& what) {
  TESSERA_CHECK(implementation.find("ref") == std::string::npos,
                "oneDNN would run {} with its slow reference code ({}); this is a bug of tessera, please report it",
                what, implementation);
}

bool sum_works(const std::string& implementation, int64_t O) {
  return O % 4 == 0 || implementation.find("sse") == std::string::npos;
}

bool binary_post_ops_work(const std::string& implementation) {
  const auto is = [&](const char* what) { return implementation.find(what) != std::string::npos; };
  return !is("ref") && !is("gemm") && !is("sse");
}

void execute(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
             std::unordered_map<int, dnnl::memory> operands) {
  TESSERA_CHECK(!in_parallel(), "a matrix product or convolution was called inside a parallel loop");
  const auto scratch = allocate(scratchpad.get_size());
  operands[DNNL_ARG_SCRATCHPAD] = {scratchpad, engine(), scratch.get()};
  thread_local dnnl::stream stream(engine());
  primitive.execute(stream, operands);
  stream.wait();
}

namespace {

int64_t number_of(const dnnl::memory::desc& layout) {
  static auto* const known = new std::vector<dnnl::memory::desc>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const auto found = std::find(known->begin(), known->end(), layout);
  const int64_t number = found - known->begin();
  if (found == known->end()) known->push_back(layout);
  return number;
}

}  // namespace

Reorder::Reorder(dnnl::memory::desc from, dnnl::memory::desc to) : from_(std::move(from)), to_(std::move(to)) {
  layout_ = 2 * number_of(to_);
  if (!needed()) return;
  const dnnl::reorder::primitive_desc description(engine(), from_, engine(), to_, attributes());
  primitive_ = dnnl::reorder(description);
  scratchpad_ = description.scratchpad_desc();
}

void Reorder::run(const void* from, void* to) const {
  execute(primitive_, scratchpad_, {{DNNL_ARG_FROM, operand(from_, from)}, {DNNL_ARG_TO, operand(to_, to)}});
}

std::shared_ptr<std::byte> Reorder::copy_of(const void* elements) const {
  auto copy = allocate(to_.get_size());
  run(elements, copy.get());
  return copy;
}

const void* Reorder::apply(const void* elements, std::shared_ptr<std::byte>& holder, FrozenWeights* frozen) const {
  if (!needed()) return elements;
  return kept(elements, layout_, holder, frozen, [&] { return copy_of(elements); });
}

const void* Reorder::apply_scaled(const float* elements, std::span<const float> row_scales,
                                  std::shared_ptr<std::byte>& holder, FrozenWeights* frozen) const {
  return kept(elements, layout_ + 1, holder, frozen, [&] {
    const size_t size = from_.get_size() / sizeof(float), width = size / row_scales.size();
    auto scaled = allocate(from_.get_size());
    auto* to = reinterpret_cast<float*>(scaled.get());
    for (size_t i = 0; i < size; ++i) to[i] = elements[i] * row_scales[i / width];
    return needed() ? copy_of(to) : scaled;
  });
}

const void* Reorder::kept(const void* elements, int64_t layout, std::shared_ptr<std::byte>& holder,
                          FrozenWeights* frozen, const std::function<std::shared_ptr<std::byte>()>& make) const {
  if (frozen) {
    const std::span bytes(static_cast<const std::byte*>(elements), from_.get_size());
    if (const std::byte* copy = frozen->copy(bytes, layout, make)) return copy;
  }
  holder = make();
  return holder.get();
}

int64_t thread_count() { return num_threads(); }

void fail_unsupported(const std::string& what, const dnnl::error& error) {
  fail("oneDNN cannot do {}: {}", what, error.message);
}

}  // namespace tessera::kernels::onednn

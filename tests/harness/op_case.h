// One case of an operation: its inputs, how to run it, and its scalar reference. The harness checks forward and
// gradient with it, on every SIMD target and several thread counts; the benchmark times it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tessera/core/tensor.h"
#include "tests/harness/array.h"

namespace tessera::test {

// An input tensor, filled with normal numbers: mean + deviation·N(0, 1).
struct Input {
  std::string name;
  Shape shape;
  double mean = 0, deviation = 1;
  bool differentiable = true;
  double keep_from_zero = 0;  // moves values away from a kink at 0 by this much
};

struct OpCase {
  std::string op;    // the file in tessera/ops, without its ending
  std::string name;  // what is special about this case
  std::vector<Input> inputs;
  std::function<Tensor(const std::vector<Tensor>&)> run;
  std::function<Array<double>(const std::vector<Array<double>>&)> reference;
  std::function<Array<Dual>(const std::vector<Array<Dual>>&)> derivative;
  double forward_tolerance = 2e-6;   // max |ours - reference| / max |reference|
  double gradient_tolerance = 2e-6;  // |<dy, JVP v> - <VJP dy, v>| / (‖dy‖·‖JVP v‖)
  bool benchmark = false;            // of a size that is worth timing; the harness then skips the exhaustive part
  double flops = 0;                  // of the forward pass: the benchmark then tells GFLOP/s
  bool training = true;              // runs inside a TrainingState with kDraws
};

using OpCases = std::vector<OpCase>;

// reference: a generic function of a vector of Array<T> that returns Array<T>, for T double and Dual.
template <class Reference>
OpCase op_case(std::string op, std::string name, std::vector<Input> inputs,
               std::function<Tensor(const std::vector<Tensor>&)> run, Reference reference) {
  OpCase c;
  c.op = std::move(op);
  c.name = std::move(name);
  c.inputs = std::move(inputs);
  c.run = std::move(run);
  c.reference = [reference](const std::vector<Array<double>>& x) { return reference(x); };
  c.derivative = [reference](const std::vector<Array<Dual>>& x) { return reference(x); };
  return c;
}

// What randomness is a function of while a case runs; references use the same numbers.
constexpr uint64_t kSeed = 7, kStep = 11, kFirstSample = 5;

// Every case of tests/ops/*_cases.cc, in the order of the file names.
OpCases all_op_cases();

// The inputs of a case, the same at every call.
std::vector<Tensor> make_inputs(const OpCase& c);
Array<double> to_array(const Tensor& x);

}  // namespace tessera::test

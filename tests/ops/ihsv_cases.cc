#include "tessera/ops/ihsv.h"

#include "tests/harness/op_case.h"
#include "tests/ref/complex.h"

namespace tessera::test {

void register_ihsv_cases(OpCases& cases) {
  const auto add = [&](int64_t P, double deviation) {  // some pixels outside [0, 1]
    cases.push_back(op_case(
        "ihsv", fmt::format("{} deviation {}", P, deviation),
        {{.name = "rgb", .shape = {P, 3}, .mean = 0.5, .deviation = deviation}},
        [](const auto& x) { return ops::ihsv(x[0]); }, [](const auto& x) { return ref_ihsv(x[0]); }));
  };
  add(1, 0.1);
  add(200, 0.1);
  add(5000, 0.4);
  add(128 * 32 * 32, 0.2);
  cases.back().benchmark = true;
}

}  // namespace tessera::test

// How parameters start.
#pragma once

#include "tessera/nn/module.h"

namespace tessera::nn {

Init zeros();
Init ones();
Init constant(float value);
Init normal(double deviation);
// N(0, deviation²) cut at ±2 (absolute, as timm's trunc_normal_ does, so that nothing is cut at the usual 0.02).
Init trunc_normal(double deviation);
// U(-bound, bound)
Init uniform(double bound);
// U(-1/√fan_in, 1/√fan_in): what PyTorch gives the weights and biases of Linear and Conv2d by default.
Init uniform_fan_in(int64_t fan_in);
// N(0, 2 / fan): He et al., "Delving Deep into Rectifiers" (2015), equation 10 (fan: inputs of an output, in·kh·kw /
// groups) or 14 (for the way back: outputs of an input, out·kh·kw / groups; PyTorch's fan_out is out·kh·kw whatever
// the groups).
Init kaiming_normal(int64_t fan);
// Xavier/Glorot: U(±√(6 / (fan_in + fan_out))).
Init xavier_uniform(int64_t fan_in, int64_t fan_out);
// The real or the imaginary part of complex weights whose magnitudes are Rayleigh(deviation) and whose phases are
// uniform (Trabelsi et al., 2018, section 3.6): such a weight's parts are independent and N(0, deviation²) each, so
// that its variance is 2·deviation². He: 1/√fan_in; Glorot: 1/√(fan_in + fan_out), fans in complex numbers.
Init rayleigh_part(double deviation);

}  // namespace tessera::nn

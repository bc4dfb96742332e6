// Activation functions of a complex z = x + i·y, with θ its phase and u = z / |z|:
//
//   modrelu    (|z| + b)·u where |z| + b > 0, else 0; b of each channel     Arjovsky, Shah and Bengio (2016), eq. 8
//   zrelu      z where 0 <= θ <= π/2, else 0                                Guberman (2016), section 4.2.1
//   cardioid   (1 + cos θ) / 2·z                                            Virtue, Yu and Lustig (2017), eq. 6
//   cprelu     PReLU of each part: x or a·x below 0, y or b·y below 0       He et al. (2015), eq. 1, of each part
//
// All are 0 at z = 0; modrelu and cardioid have no derivative there, and 0 is taken. CReLU (Trabelsi et al., 2018,
// section 3.4), ReLU of each part, is Activation::relu on planar arrays: convolutions and norms have it in their last
// step.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

enum class ComplexActivation { modrelu, zrelu, cardioid, cprelu };

struct ComplexActivationForward {
  const float* x;          // (P, 2·C): C real parts, then C imaginary ones
  const float* parameter;  // modrelu: b (C), cprelu: a, b (2), else null
  float* y;                // (P, 2·C), may be x
  int64_t P, C;
  ComplexActivation activation;
};
void complex_activation_forward(Context& context, const ComplexActivationForward& args);

// With <dy, u> = Re(dy·conj(u)):
//   modrelu    dz = (1 + b/|z|)·dy - b/|z|·<dy, u>·u,  db = Σ <dy, u>, where |z| + b > 0
//   cardioid   dz = (1 + cos θ) / 2·dy + <dy, u>·sin θ / 2·(sin θ - i·cos θ)
//   cprelu     da = Σ dy.re·x where x < 0, db = Σ dy.im·y where y < 0
struct ComplexActivationBackward {
  const float* dy;         // (P, 2·C)
  const float* x;          // (P, 2·C)
  const float* parameter;  // as forward
  Grad dx;                 // (P, 2·C)
  Grad dparameter;         // as parameter
  int64_t P, C;
  ComplexActivation activation;
};
void complex_activation_backward(Context& context, const ComplexActivationBackward& args);

}  // namespace tessera::kernels

#ifndef ENCODER_KERNELS_H
#define ENCODER_KERNELS_H
#include <stddef.h>
// The element-wise parts of a BERT layer, in place and row-major. Each function is compiled for several instruction
// sets and the loader picks one, so the package needs no -march.

/// x[r][c] = gelu(x[r][c] + bias[c]) with the erf form; |error| of erf below 2e-7.
void kernel_bias_gelu(float *x, const float *bias, size_t rows, size_t columns);

/// x[r][c] += bias[c].
void kernel_bias(float *x, const float *bias, size_t rows, size_t columns);

/// out[r] = layernorm(x[r] + bias + residual[r]) * gain + shift; out may be residual. bias may be NULL.
void kernel_residual_norm(const float *x, const float *bias, const float *residual, const float *gain,
                          const float *shift, float epsilon, float *out, size_t rows, size_t columns);

/// Each row becomes softmax(row * scale).
void kernel_softmax(float *x, float scale, size_t rows, size_t columns);

/// out = mean of the rows, scaled to length 1.
void kernel_mean_unit(const float *x, float *out, size_t rows, size_t columns);
#endif

#include "encoder_kernels.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#define MANY __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MANY
#endif
#define INLINE static inline __attribute__((always_inline))

// Sums are kept in separate lanes: without permission to reorder floating point the compiler can only use vectors for
// a reduction that is already written as one, and the result is the same on every machine.
enum { LANES = 16 };

// exp(x) for x <= 88: 2^n times a polynomial on [-ln2/2, ln2/2]; relative error about 1e-7. Very small results are 0.
INLINE float exponential(float x) {
    x = x < -87.0f ? -87.0f : x;
    float n = rintf(x * 1.44269504f);
    float r = fmaf(n, -0.693359375f, x);
    r = fmaf(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = fmaf(p, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    p = fmaf(p, r * r, r) + 1.0f;
    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

// Abramowitz and Stegun 7.1.26.
INLINE float error_function(float x) {
    float a = fabsf(x);
    float t = 1.0f / fmaf(0.3275911f, a, 1.0f);
    float p = 1.061405429f;
    p = fmaf(p, t, -1.453152027f);
    p = fmaf(p, t, 1.421413741f);
    p = fmaf(p, t, -0.284496736f);
    p = fmaf(p, t, 0.254829592f);
    float y = 1.0f - p * t * exponential(-a * a);
    return copysignf(y, x);
}

INLINE float total(const float *lanes) {
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += lanes[i];
    return sum;
}

MANY void kernel_bias_gelu(float *x, const float *bias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * columns;
        for (size_t c = 0; c < columns; c++) {
            float v = row[c] + bias[c];
            row[c] = 0.5f * v * (1.0f + error_function(v * 0.70710678f));
        }
    }
}

MANY void kernel_bias(float *x, const float *bias, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * columns;
        for (size_t c = 0; c < columns; c++) row[c] += bias[c];
    }
}

MANY void kernel_residual_norm(const float *x, const float *bias, const float *residual, const float *gain,
                               const float *shift, float epsilon, float *out, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns, *other = residual + r * columns;
        float *target = out + r * columns;
        float sums[LANES] = {0}, squares[LANES] = {0};
        if (bias) {
            for (size_t c = 0; c < columns; c++) target[c] = row[c] + bias[c] + other[c];
        } else {
            for (size_t c = 0; c < columns; c++) target[c] = row[c] + other[c];
        }
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES)
            for (int i = 0; i < LANES; i++) sums[i] += target[c + i];
        float sum = total(sums);
        for (; c < columns; c++) sum += target[c];
        float mean = sum / (float)columns;
        for (c = 0; c + LANES <= columns; c += LANES)
            for (int i = 0; i < LANES; i++) {
                float d = target[c + i] - mean;
                squares[i] += d * d;
            }
        float square = total(squares);
        for (; c < columns; c++) square += (target[c] - mean) * (target[c] - mean);
        float scale = 1.0f / sqrtf(square / (float)columns + epsilon);
        for (c = 0; c < columns; c++) target[c] = (target[c] - mean) * scale * gain[c] + shift[c];
    }
}

MANY void kernel_softmax(float *x, float scale, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * columns;
        float tops[LANES], sums[LANES] = {0};
        for (int i = 0; i < LANES; i++) tops[i] = -INFINITY;
        size_t c = 0;
        for (; c + LANES <= columns; c += LANES)
            for (int i = 0; i < LANES; i++) tops[i] = row[c + i] > tops[i] ? row[c + i] : tops[i];
        float top = -INFINITY;
        for (int i = 0; i < LANES; i++) top = tops[i] > top ? tops[i] : top;
        for (; c < columns; c++) top = row[c] > top ? row[c] : top;
        for (c = 0; c < columns; c++) row[c] = exponential((row[c] - top) * scale);
        for (c = 0; c + LANES <= columns; c += LANES)
            for (int i = 0; i < LANES; i++) sums[i] += row[c + i];
        float sum = total(sums);
        for (; c < columns; c++) sum += row[c];
        float inverse = 1.0f / sum;
        for (c = 0; c < columns; c++) row[c] *= inverse;
    }
}

MANY void kernel_mean_unit(const float *x, float *out, size_t rows, size_t columns) {
    memset(out, 0, columns * sizeof *out);
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * columns;
        for (size_t c = 0; c < columns; c++) out[c] += row[c];
    }
    float sums[LANES] = {0};
    size_t c = 0;
    for (; c + LANES <= columns; c += LANES)
        for (int i = 0; i < LANES; i++) sums[i] += out[c + i] * out[c + i];
    float sum = total(sums);
    for (; c < columns; c++) sum += out[c] * out[c];
    float inverse = sum > 0 ? 1.0f / sqrtf(sum) : 0.0f;
    for (c = 0; c < columns; c++) out[c] *= inverse;
}

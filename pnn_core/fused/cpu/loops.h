// Loops over numbers that the compiler may vectorise: `ivdep` says that no number written is read,
// or is read at the same index alone.

#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace pnn {

// relu(x); NaN stays NaN.
template <typename T>
T relu(T value) {
  return value < 0 ? T(0) : value;
}

// relu(mask + x).
template <typename T>
void perturb_row(int64_t count, const T* x, const T* mask, T* r) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) r[i] = relu(x[i] + mask[i]);
}

// Vector of 64 bytes for loops written by hand, which the compiler splits for processors with shorter
// ones.
template <typename T>
struct Together {
  static constexpr int kCount = 64 / sizeof(T);
  using Index = std::conditional_t<sizeof(T) == sizeof(int32_t), int32_t, int64_t>;
  typedef T Numbers __attribute__((vector_size(64)));
  typedef Index Indices __attribute__((vector_size(64)));
};

// relu(mask + x) for x whose numbers have kFan maps each.
template <int kFan, typename T>
void perturb_row_fanned(int64_t count, const T* x, const T* mask, T* r) {
  using V = Together<T>;
  constexpr int64_t step = kFan * V::kCount;
  int64_t i = 0;
  for (; i + step <= count; i += step) {
    typename V::Numbers from, maps;
    std::memcpy(&from, x + i / kFan, sizeof from);
#pragma GCC unroll 8
    for (int j = 0; j < kFan; ++j) {
      typename V::Indices each;
      for (int k = 0; k < V::kCount; ++k) each[k] = (j * V::kCount + k) / kFan;
      std::memcpy(&maps, mask + i + j * V::kCount, sizeof maps);
      maps += __builtin_shuffle(from, each);
      maps = maps < 0 ? typename V::Numbers{} : maps;
      std::memcpy(r + i + j * V::kCount, &maps, sizeof maps);
    }
  }
  for (; i < count; ++i) r[i] = relu(x[i / kFan] + mask[i]);
}

// Gradient of the input of a ReLU whose output is `after`.
template <typename T>
void keep_positive(int64_t count, const T* after, const T* d_after, T* d_before) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) d_before[i] = after[i] <= 0 ? T(0) : d_after[i];
}

template <typename T>
void add_row(int64_t count, const T* row, T* sum) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) sum[i] += row[i];
}

// to = scale d - offset - slope x
template <typename T>
void subtract_line(int64_t count, const T* scale, const T* d, const T* offset, const T* slope,
                   const T* x, T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) to[i] = scale[i] * d[i] - offset[i] - slope[i] * x[i];
}

// to = scale d' - offset - slope x, where d' is d after the backward pass of relu(scale x + shift).
template <typename T>
void subtract_line_kept(int64_t count, const T* scale, const T* shift, const T* d, const T* offset,
                        const T* slope, const T* x, T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const T kept = x[i] * scale[i] + shift[i] <= 0 ? T(0) : d[i];
    to[i] = scale[i] * kept - offset[i] - slope[i] * x[i];
  }
}

// to = d - offset - slope r, then the backward pass of a ReLU whose output is r.
template <typename T>
void subtract_line_positive(int64_t count, const T* offset, const T* slope, const T* r, const T* d,
                            T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i)
    to[i] = r[i] <= 0 ? T(0) : d[i] - offset[i] - slope[i] * r[i];
}

// Sum of the gradients of each number's maps.
template <int kFan, typename T>
void sum_fans(int64_t count, const T* fans, T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    T sum = 0;
    for (int j = 0; j < kFan; ++j) sum += fans[i * kFan + j];
    to[i] = sum;
  }
}

// to = scale x
template <typename T>
void scale_row(int64_t count, const T* x, const T* scale, T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) to[i] = x[i] * scale[i];
}

// Computes a row of d_V from a row of G and a number of d, and adds the row's part to the gradients of
// the normalisation.
template <typename T>
void add_row_gradients(int64_t count, const T* weight, const T* products, T sum, const T* gamma,
                       const T* beta, const T* mean, const T* inv, T* d_weight, T* d_gamma,
                       T* d_beta) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const T centred = (products[i] - sum * mean[i]) * inv[i];
    d_weight[i] = centred * gamma[i] + sum * beta[i];
    d_gamma[i] += weight[i] * centred;
    d_beta[i] += weight[i] * sum;
  }
}

// to = relu(scale x + shift + shortcut), with shortcut and ReLU optional.
template <bool kAdd, bool kRelu, typename T>
void scale_row(int64_t count, const T* x, const T* scale, const T* shift, const T* shortcut,
               T* to) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    T value = x[i] * scale[i] + shift[i];
    if constexpr (kAdd) value += shortcut[i];
    to[i] = kRelu ? relu(value) : value;
  }
}

}  // namespace pnn

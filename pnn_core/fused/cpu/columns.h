// Sums over rows; the sums of some columns stay in registers while all rows are read.

#pragma once

#include <cstdint>
#include <cstring>

#include "loops.h"

namespace pnn {

// Loads one number, or a vector of them.
template <typename V, typename T>
V load(const T* from) {
  V numbers;
  std::memcpy(&numbers, from, sizeof numbers);
  return numbers;
}

template <typename V, typename T>
void store(const V& numbers, T* to) {
  std::memcpy(to, &numbers, sizeof numbers);
}

// Sums kVectors times as many columns as V holds numbers.
template <int kVectors, typename V, typename T, typename Terms>
void sum_some_columns(int64_t number, int64_t rows, int64_t stride, int64_t column,
                      const Terms& terms, T* first, T* second) {
  constexpr int64_t width = sizeof(V) / sizeof(T);
  V a[kVectors], b[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    a[v] = load<V>(first + column + v * width);
    b[v] = load<V>(second + column + v * width);
  }
  for (int64_t row = 0; row < rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t i = column + v * width;
      terms.add(number + row * stride + i, i, a[v], b[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    store(a[v], first + column + v * width);
    store(b[v], second + column + v * width);
  }
}

// Sums columns of rows that begin at `number`: for each number of a column,
// `terms.add(number, column, first, second)` adds to the column's two sums.
template <typename T, typename Terms>
void sum_columns(int64_t number, int64_t rows, int64_t columns, const Terms& terms, T* first,
                 T* second) {
  using V = typename Together<T>::Numbers;
  constexpr int64_t width = Together<T>::kCount;
  int64_t i = 0;
  for (; i + 4 * width <= columns; i += 4 * width)
    sum_some_columns<4, V>(number, rows, columns, i, terms, first, second);
  for (; i + width <= columns; i += width)
    sum_some_columns<1, V>(number, rows, columns, i, terms, first, second);
  for (; i < columns; ++i) sum_some_columns<1, T>(number, rows, columns, i, terms, first, second);
}

}  // namespace pnn

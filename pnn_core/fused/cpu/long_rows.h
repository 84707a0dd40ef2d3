// Long rows, each of several short rows: a loop over a few numbers costs more to begin than to run.

#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "columns.h"

namespace pnn {

constexpr int64_t kLongRow = 512;  // most numbers in a long row, unless one pixel has more
constexpr int64_t kWhole = 16;     // divisor of a long row's count of numbers, if possible
constexpr int64_t kRows = 16;      // long rows summed at once: they fit into the first-level cache

// Long rows of pixels with some number of channels.
struct LongRows {
  int64_t channels;
  int64_t pixels;  // pixels in a long row

  explicit LongRows(int64_t channels)
      : channels(channels), pixels(std::max<int64_t>(1, kLongRow / channels)) {
    const int64_t step = kWhole / std::gcd(kWhole, channels);
    if (pixels > step) pixels -= pixels % step;
  }

  int64_t numbers() const { return pixels * channels; }

  // Repeats one number per channel for every pixel of a long row.
  template <typename T>
  std::vector<T> repeat(const T* row) const {
    std::vector<T> numbers(this->numbers());
    repeat(row, numbers.data());
    return numbers;
  }

  template <typename T>
  void repeat(const T* row, T* to) const {
    for (int64_t k = 0; k < pixels; ++k) std::copy_n(row, channels, to + k * channels);
  }

  // Adds up the sums of all pixels of a long row; the first pixel's place gets each channel's sum.
  template <typename T>
  void fold(T* sums) const {
    for (int64_t k = 1; k < pixels; ++k)
      for (int64_t i = 0; i < channels; ++i) sums[i] += sums[k * channels + i];
  }

  // Sums columns of long rows as `sum_columns` does, over the pixels from `first` to before `last`.
  template <typename T, typename Terms>
  void sum(int64_t first, int64_t last, const Terms& terms, T* one, T* other) const {
    for (int64_t k = first; k < last; k += kRows * pixels) {
      const int64_t whole = std::min(kRows, (last - k) / pixels);
      sum_columns(k * channels, whole, numbers(), terms, one, other);
      if (whole < kRows)
        sum_columns((k + whole * pixels) * channels, 1, (last - k - whole * pixels) * channels, terms,
                    one, other);
    }
  }

  // Calls work(first number, count) for each long row of the pixels from `first` to before `last`.
  template <typename Work>
  void each(int64_t first, int64_t last, const Work& work) const {
    for (int64_t k = first; k < last; k += pixels)
      work(k * channels, std::min(pixels, last - k) * channels);
  }
};

}  // namespace pnn

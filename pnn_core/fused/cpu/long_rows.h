// Short rows taken several at a time, as one long row: a loop over a few numbers costs more to begin
// than to run.

#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "columns.h"

namespace pnn {

constexpr int64_t kLongRow = 512;  // numbers, at most, unless one pixel has more
constexpr int64_t kWhole = 16;     // numbers that a long row has a multiple of, where it can
constexpr int64_t kRows = 16;      // that are summed at once: as many as the first-level cache holds

// How pixels of so many channels are taken together.
struct LongRows {
  int64_t channels;
  int64_t pixels;  // of a long row

  explicit LongRows(int64_t channels)
      : channels(channels), pixels(std::max<int64_t>(1, kLongRow / channels)) {
    const int64_t step = kWhole / std::gcd(kWhole, channels);
    if (pixels > step) pixels -= pixels % step;
  }

  int64_t numbers() const { return pixels * channels; }

  // One number for each channel, for every pixel of a long row.
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

  // Sums of each pixel of a long row to the sum of each channel, which are put first.
  template <typename T>
  void fold(T* sums) const {
    for (int64_t k = 1; k < pixels; ++k)
      for (int64_t i = 0; i < channels; ++i) sums[i] += sums[k * channels + i];
  }

  // Adds to two sums of each column of a long row what `sum_columns` makes of the pixels from `first`
  // to before `last`.
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

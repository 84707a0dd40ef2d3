// Learned, measured and running numbers of a batch normalisation.

#pragma once

#include <ATen/Functions.h>

#include <cmath>
#include <vector>

#include "blocks.h"
#include "long_rows.h"
#include "loops.h"

namespace pnn {

using at::Tensor;

// Terms of the sums of x - about and of its square.
template <typename T>
struct Deviations {
  const T *x, *about;

  template <typename V>
  void add(int64_t k, int64_t i, V& sum, V& squares) const {
    const V d = load<V>(x + k) - load<V>(about + i);
    sum += d;
    squares += d * d;
  }
};

// Mean and sum of squared deviations per channel, merged block by block (Chan et al., 1979).
struct Moments {
  double count = 0;
  std::vector<double> mean, squares;

  explicit Moments(int64_t channels) : mean(channels), squares(channels) {}

  void merge(double other_count, const double* other_mean, const double* other_squares) {
    const double total = count + other_count;
    if (total == 0) return;
    for (size_t i = 0; i < mean.size(); ++i) {
      const double delta = other_mean[i] - mean[i];
      squares[i] += other_squares[i] + delta * delta * count * other_count / total;
      mean[i] += delta * other_count / total;
    }
    count = total;
  }

  // Adds pixels [count, channels], read once: the sums are of deviations from the mean of the first
  // few pixels, which is close enough to the mean for the squares to keep the digits that matter.
  template <typename T>
  void add(const T* pixels, int64_t count_pixels, const LongRows& rows) {
    T* sum = scratch<T, 2>(3 * rows.numbers());
    T* square = sum + rows.numbers();
    T* about = square + rows.numbers();
    std::fill_n(sum, 2 * rows.numbers(), T(0));
    const int64_t few = std::min(rows.pixels, count_pixels);
    for (int64_t k = 0; k < few; ++k) add_row(rows.channels, pixels + k * rows.channels, sum);
    for (int64_t i = 0; i < rows.channels; ++i) sum[i] /= few;
    rows.repeat(sum, about);
    std::fill_n(sum, rows.channels, T(0));
    rows.sum(0, count_pixels, Deviations<T>{pixels, about}, sum, square);
    rows.fold(sum);
    rows.fold(square);
    std::vector<double> mean_here(rows.channels), squares_here(rows.channels);
    for (int64_t i = 0; i < rows.channels; ++i) {
      const double total = sum[i];
      mean_here[i] = about[i] + total / count_pixels;
      squares_here[i] = square[i] - total * total / count_pixels;
    }
    merge(count_pixels, mean_here.data(), squares_here.data());
  }
};

inline Moments merged(const std::vector<Moments>& parts) {
  Moments all = parts[0];
  for (size_t i = 1; i < parts.size(); ++i)
    all.merge(parts[i].count, parts[i].mean.data(), parts[i].squares.data());
  return all;
}

// Computes moments of [pixels, channels], which `pixels(first, count, buffer)` returns block by block.
template <typename T, typename Pixels>
Moments moments_of(const Blocks& blocks, int64_t channels, const Pixels& pixels) {
  const LongRows rows(channels);
  std::vector<Moments> parts(at::get_num_threads(), Moments(channels));
  blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
    T* buffer = scratch<T, 0>(blocks.each * channels);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t size = blocks.size(block);
      parts[part].add(pixels(blocks.first(block), size, buffer), size, rows);
    }
  });
  return merged(parts);
}

// Batch normalisation: its learned numbers and its running statistics.
struct Norm {
  Tensor gamma, beta, running_mean, running_var, batches;
  double momentum, eps;
};

// Statistics that a batch is normalised with: (value - mean) * inv * gamma + beta.
struct Statistics {
  Tensor mean, inv;
};

// Computes statistics and updates the running ones, with a bias that was left out added to the mean.
template <typename T>
Statistics keep_moments(const Moments& moments, const Norm& norm, const T* bias = nullptr) {
  const int64_t channels = moments.mean.size();
  Statistics kept{at::empty_like(norm.gamma), at::empty_like(norm.gamma)};
  T* mean = kept.mean.data_ptr<T>();
  T* inv = kept.inv.data_ptr<T>();
  T* running_mean = norm.running_mean.data_ptr<T>();
  T* running_var = norm.running_var.data_ptr<T>();
  for (int64_t i = 0; i < channels; ++i) {
    mean[i] = moments.mean[i];
    inv[i] = 1 / std::sqrt(moments.squares[i] / moments.count + norm.eps);
    const double unbiased = moments.squares[i] / (moments.count - 1);
    running_mean[i] += norm.momentum * (moments.mean[i] + (bias ? bias[i] : 0) - running_mean[i]);
    running_var[i] += norm.momentum * (unbiased - running_var[i]);
  }
  *norm.batches.data_ptr<int64_t>() += 1;
  return kept;
}

inline Statistics running_statistics(const Norm& norm) {
  return {norm.running_mean, at::rsqrt(at::add(norm.running_var, norm.eps))};
}

// Normalisation as a line for each channel: scale x + shift.
template <typename T>
struct Lines {
  std::vector<T> scale, shift;

  Lines(const Tensor& gamma, const Tensor& beta, const Statistics& statistics)
      : scale(gamma.numel()), shift(gamma.numel()) {
    for (size_t i = 0; i < scale.size(); ++i) {
      scale[i] = gamma.data_ptr<T>()[i] * statistics.inv.data_ptr<T>()[i];
      shift[i] = beta.data_ptr<T>()[i] - statistics.mean.data_ptr<T>()[i] * scale[i];
    }
  }
};

}  // namespace pnn

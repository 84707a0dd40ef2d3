// What a batch normalisation learns, measures and keeps.

#pragma once

#include <ATen/Functions.h>

#include <cmath>
#include <vector>

#include "blocks.h"
#include "long_rows.h"
#include "loops.h"

namespace pnn {

using at::Tensor;

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

  // Takes in pixels [count, channels].
  template <typename T>
  void add(const T* pixels, int64_t count_pixels, const LongRows& rows) {
    T* sum = scratch<T, 2>(3 * rows.numbers());
    T* square = sum + rows.numbers();
    T* means = square + rows.numbers();
    std::fill_n(sum, 2 * rows.numbers(), T(0));
    rows.each(0, count_pixels, [&](int64_t k, int64_t count) { add_row(count, pixels + k, sum); });
    rows.fold(sum);
    for (int64_t i = 0; i < rows.channels; ++i) sum[i] /= count_pixels;
    rows.repeat(sum, means);
    rows.each(0, count_pixels, [&](int64_t k, int64_t count) {
      add_squares(count, pixels + k, means, square);
    });
    rows.fold(square);
    const std::vector<double> block_mean(sum, sum + rows.channels);
    const std::vector<double> block_squares(square, square + rows.channels);
    merge(count_pixels, block_mean.data(), block_squares.data());
  }
};

// Moments of [pixels, channels] that `pixels(first, count, buffer)` gives block by block.
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
  for (size_t i = 1; i < parts.size(); ++i)
    parts[0].merge(parts[i].count, parts[i].mean.data(), parts[i].squares.data());
  return parts[0];
}

// A batch normalisation: its learned numbers and what it keeps for evaluation.
struct Norm {
  Tensor gamma, beta, running_mean, running_var, batches;
  double momentum, eps;
};

// What a batch is normalised with: (value - mean) * inv * gamma + beta.
struct Statistics {
  Tensor mean, inv;
};

template <typename T>
Statistics keep_moments(const Moments& moments, const Norm& norm) {
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
    running_mean[i] += norm.momentum * (moments.mean[i] - running_mean[i]);
    running_var[i] += norm.momentum * (unbiased - running_var[i]);
  }
  *norm.batches.data_ptr<int64_t>() += 1;
  return kept;
}

inline Statistics running_statistics(const Norm& norm) {
  return {norm.running_mean, at::rsqrt(at::add(norm.running_var, norm.eps))};
}

// Normalising, channel by channel: scale x + shift.
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

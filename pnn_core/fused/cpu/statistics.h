// What a batch normalisation learns, measures and keeps.

#pragma once

#include <ATen/Functions.h>

#include <cmath>
#include <vector>

#include "blocks.h"
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

  // Takes in rows [rows, channels]; `sums` holds 2 * channels numbers.
  template <typename T>
  void add(const T* rows, int64_t count_rows, std::vector<T>& sums) {
    const int64_t channels = mean.size();
    T* sum = sums.data();
    T* square = sum + channels;
    std::fill_n(sum, 2 * channels, T(0));
    for (int64_t k = 0; k < count_rows; ++k) add_row(channels, rows + k * channels, sum);
    for (int64_t i = 0; i < channels; ++i) sum[i] /= count_rows;
    for (int64_t k = 0; k < count_rows; ++k)
      add_squares(channels, rows + k * channels, sum, square);
    const std::vector<double> block_mean(sum, sum + channels);
    const std::vector<double> block_squares(square, square + channels);
    merge(count_rows, block_mean.data(), block_squares.data());
  }
};

// Moments of [pixels, channels] that `rows(first, count, buffer)` gives block by block.
template <typename T, typename Rows>
Moments moments_of(const Blocks& blocks, int64_t channels, const Rows& rows) {
  std::vector<Moments> parts(at::get_num_threads(), Moments(channels));
  blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
    T* buffer = scratch<T, 0>(blocks.each * channels);
    std::vector<T> sums(2 * channels);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t size = blocks.size(block);
      parts[part].add(rows(blocks.first(block), size, buffer), size, sums);
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

}  // namespace pnn

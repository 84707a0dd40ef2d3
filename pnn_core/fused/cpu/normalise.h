// Batch normalisation, a shortcut and a ReLU, forward and backward.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "blocks.h"
#include "images.h"
#include "long_rows.h"
#include "loops.h"
#include "statistics.h"

namespace pnn {

// out = relu(normalised x + shortcut), either left out where it is not asked for.
template <typename T>
Tensor normalise(const Tensor& x, const Norm& norm, const Statistics& statistics,
                 const std::optional<Tensor>& shortcut, bool relu) {
  const int64_t channels = x.size(1);
  Tensor out = new_images(x, channels);
  const T* from = x.data_ptr<T>();
  const T* beside = shortcut ? shortcut->data_ptr<T>() : nullptr;
  T* to = out.data_ptr<T>();
  const LongRows rows(channels);
  const Lines<T> lines(norm.gamma, norm.beta, statistics);
  const auto scale = rows.repeat(lines.scale.data()), shift = rows.repeat(lines.shift.data());
  const Blocks blocks(pixels_of(x), channels);
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    const auto loop = beside ? (relu ? scale_row<true, true, T> : scale_row<true, false, T>)
                             : (relu ? scale_row<false, true, T> : scale_row<false, false, T>);
    rows.each(blocks.first(begin), blocks.last(end), [&](int64_t k, int64_t count) {
      loop(count, from + k, scale.data(), shift.data(), beside + k, to + k);
    });
  });
  return out;
}

template <typename T>
std::pair<Tensor, Statistics> normalise_forward(const Tensor& x, const Norm& norm,
                                                const std::optional<Tensor>& shortcut, bool relu,
                                                bool training) {
  const int64_t channels = x.size(1);
  Statistics statistics;
  if (training) {
    const T* from = x.data_ptr<T>();
    statistics = keep_moments<T>(
        moments_of<T>(Blocks(pixels_of(x), channels), channels,
                      [&](int64_t first, int64_t, T*) { return from + first * channels; }),
        norm);
  } else {
    statistics = running_statistics(norm);
  }
  return {normalise<T>(x, norm, statistics, shortcut, relu), statistics};
}

// The gradients of x, gamma, beta and the shortcut. What a ReLU keeps of d_out is made twice and not
// stored, unless a shortcut needs it: then it is the shortcut's gradient, and told from `out`.
template <typename T>
std::vector<Tensor> normalise_backward(const Tensor& d_out, const Tensor& x, const Tensor& out,
                                       const Norm& norm, const Statistics& statistics, bool relu,
                                       bool has_shortcut) {
  const int64_t channels = x.size(1);
  const bool stores = relu && has_shortcut;
  const Tensor d_y = channels_last(d_out);
  const Tensor d_shortcut = !has_shortcut ? Tensor() : stores ? new_images(x, channels) : d_y;
  const T* gradient = d_y.data_ptr<T>();
  const T* from = x.data_ptr<T>();
  const T* after = stores ? out.data_ptr<T>() : nullptr;
  T* stored = stores ? d_shortcut.data_ptr<T>() : nullptr;
  const LongRows rows(channels);
  const Lines<T> lines(norm.gamma, norm.beta, statistics);
  const T* mean = statistics.mean.data_ptr<T>();
  const T* inv = statistics.inv.data_ptr<T>();
  const auto scale = rows.repeat(lines.scale.data()), shift = rows.repeat(lines.shift.data());
  const auto means = rows.repeat(mean);
  const Blocks blocks(pixels_of(x), channels);
  std::vector<std::vector<T>> parts(at::get_num_threads(), std::vector<T>(2 * rows.numbers()));
  blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
    T* sum = parts[part].data();
    T* products = sum + rows.numbers();
    rows.each(blocks.first(begin), blocks.last(end), [&](int64_t k, int64_t count) {
      if (relu && !stores)
        return add_kept_products(count, gradient + k, from + k, scale.data(), shift.data(),
                                 means.data(), sum, products);
      if (stores) keep_positive(count, after + k, gradient + k, stored + k);
      add_products(count, (stores ? stored : gradient) + k, from + k, means.data(), sum, products);
    });
  });
  T* sums = parts[0].data();
  T* products = sums + rows.numbers();
  for (size_t i = 1; i < parts.size(); ++i) add_row(2 * rows.numbers(), parts[i].data(), sums);
  rows.fold(sums);
  rows.fold(products);
  Tensor d_gamma = at::empty_like(norm.gamma), d_beta = at::empty_like(norm.gamma);
  std::vector<T> slope(channels), offset(channels);
  for (int64_t i = 0; i < channels; ++i) {
    const T to_beta = sums[i], to_gamma = products[i] * inv[i];
    d_beta.data_ptr<T>()[i] = to_beta;
    d_gamma.data_ptr<T>()[i] = to_gamma;
    slope[i] = lines.scale[i] * inv[i] * to_gamma / blocks.pixels;
    offset[i] = lines.scale[i] * to_beta / blocks.pixels - mean[i] * slope[i];
  }
  const auto slopes = rows.repeat(slope.data()), offsets = rows.repeat(offset.data());
  Tensor d_x = new_images(x, channels);
  T* to = d_x.data_ptr<T>();
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    rows.each(blocks.first(begin), blocks.last(end), [&](int64_t k, int64_t count) {
      if (relu && !stores)
        subtract_line_kept(count, scale.data(), shift.data(), gradient + k, offsets.data(),
                           slopes.data(), from + k, to + k);
      else
        subtract_line(count, scale.data(), (stores ? stored : gradient) + k, offsets.data(),
                      slopes.data(), from + k, to + k);
    });
  });
  return {d_x, d_gamma, d_beta, d_shortcut};
}

}  // namespace pnn

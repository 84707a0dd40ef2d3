// Batch normalisation, a shortcut and a ReLU, forward and backward.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "blocks.h"
#include "images.h"
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
  std::vector<T> scale(channels), shift(channels);
  for (int64_t i = 0; i < channels; ++i) {
    scale[i] = norm.gamma.data_ptr<T>()[i] * statistics.inv.data_ptr<T>()[i];
    shift[i] = norm.beta.data_ptr<T>()[i] - statistics.mean.data_ptr<T>()[i] * scale[i];
  }
  const Blocks blocks(pixels_of(x), channels);
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    const int64_t last = std::min(end * blocks.each, blocks.pixels);
    const auto row = beside ? (relu ? scale_row<true, true, T> : scale_row<true, false, T>)
                            : (relu ? scale_row<false, true, T> : scale_row<false, false, T>);
    for (int64_t k = blocks.first(begin); k < last; ++k)
      row(channels, from + k * channels, scale.data(), shift.data(), beside + k * channels,
          to + k * channels);
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

// The gradients of x, gamma, beta and the shortcut. Where there is none, the gradient behind the ReLU
// is made twice and not stored.
template <typename T>
std::vector<Tensor> normalise_backward(const Tensor& d_out, const Tensor& x, const Tensor& out,
                                 const Tensor& gamma, const Statistics& statistics, bool relu,
                                 bool has_shortcut) {
  const int64_t channels = x.size(1);
  const Tensor d_y = channels_last(d_out);
  const T* gradient = d_y.data_ptr<T>();
  const T* from = x.data_ptr<T>();
  const T* after = relu ? out.data_ptr<T>() : nullptr;
  const Tensor d_shortcut = !has_shortcut ? Tensor() : relu ? new_images(x, channels) : d_y;
  T* stored = has_shortcut && relu ? d_shortcut.data_ptr<T>() : nullptr;
  const Blocks blocks(pixels_of(x), channels);
  std::vector<std::vector<T>> parts(at::get_num_threads(), std::vector<T>(2 * channels));
  const T* mean = statistics.mean.data_ptr<T>();
  const T* inv = statistics.inv.data_ptr<T>();
  blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
    T* sum = parts[part].data();
    T* row = scratch<T, 0>(channels);
    const int64_t last = std::min(end * blocks.each, blocks.pixels);
    for (int64_t k = blocks.first(begin) * channels; k < last * channels; k += channels) {
      T* kept = stored ? stored + k : row;
      if (relu) keep_positive(channels, after + k, gradient + k, kept);
      add_products(channels, relu ? kept : gradient + k, from + k, mean, sum, sum + channels);
    }
  });
  for (size_t i = 1; i < parts.size(); ++i) add_row(2 * channels, parts[i].data(), parts[0].data());
  Tensor d_gamma = at::empty_like(gamma), d_beta = at::empty_like(gamma);
  std::vector<T> scale(channels), slope(channels), offset(channels);
  for (int64_t i = 0; i < channels; ++i) {
    const T to_beta = parts[0][i], to_gamma = parts[0][channels + i] * inv[i];
    d_beta.data_ptr<T>()[i] = to_beta;
    d_gamma.data_ptr<T>()[i] = to_gamma;
    scale[i] = gamma.data_ptr<T>()[i] * inv[i];
    slope[i] = scale[i] * inv[i] * to_gamma / blocks.pixels;
    offset[i] = scale[i] * to_beta / blocks.pixels - mean[i] * slope[i];
  }
  Tensor d_x = new_images(x, channels);
  T* to = d_x.data_ptr<T>();
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    T* row = scratch<T, 0>(channels);
    const int64_t last = std::min(end * blocks.each, blocks.pixels);
    for (int64_t k = blocks.first(begin) * channels; k < last * channels; k += channels) {
      const T* kept = stored ? stored + k : relu ? row : gradient + k;
      if (relu && !stored) keep_positive(channels, after + k, gradient + k, row);
      subtract_line(channels, scale.data(), kept, offset.data(), slope.data(), from + k, to + k);
    }
  });
  return {d_x, d_gamma, d_beta, d_shortcut};
}

}  // namespace pnn

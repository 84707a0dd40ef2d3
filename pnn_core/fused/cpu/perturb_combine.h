// Noise, ReLU, batch normalisation and a 1x1, forward and backward.
//
// A layer's m perturbed maps are computed, a block of pixels at a time, wherever they are needed, and
// never stored. With r = relu(N + x) and batch normalisation between the ReLU and the 1x1,
//
//     y = V (s (r - mean) + beta) + b,    s = gamma / sqrt(var + eps),
//
// so that the normalisation folds into the weights, and the backward pass needs r in two sums alone,
// over all n pixels: G = sum dy r^T and d = sum dy. From them
//
//     d_beta  = V^T d
//     d_gamma = diag(V^T (G - d mean^T)) / sqrt(var + eps)
//     d_V     = (G - d mean^T) diag(s) + d beta^T
//     d_r     = (V diag(s))^T dy - s d_beta / n - (r - mean) s d_gamma / (n sqrt(var + eps)).

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "blocks.h"
#include "images.h"
#include "long_rows.h"
#include "maps.h"
#include "multiply.h"
#include "statistics.h"

namespace pnn {

// Groups of a 1x1: each group of outputs is computed from one group of channels.
struct Groups {
  int64_t count;
  int64_t channels, outputs;  // in each group

  Groups(const Tensor& w, int64_t all_channels)
      : count(all_channels / w.size(1)), channels(w.size(1)), outputs(w.size(0) / count) {}
};

// Blocks of pixels, small enough for the maps and the outputs to stay in the cache.
inline Blocks layer_blocks(const Tensor& x, int64_t channels, int64_t outputs) {
  return Blocks(pixels_of(x), std::max(channels, outputs));
}

// 1x1 with the normalisation before it folded into it: y = weight r + bias.
template <typename T>
struct Folded {
  Groups groups;
  std::vector<T> weight;  // [outputs, channels of a group]
  std::vector<T> bias;    // [outputs]

  Folded(const Tensor& w, const std::optional<Tensor>& b, const Norm* norm,
         const Statistics& statistics, const Groups& groups)
      : groups(groups), weight(w.numel()), bias(w.size(0)) {
    const T* from = w.data_ptr<T>();
    if (b) std::copy_n(b->data_ptr<T>(), bias.size(), bias.data());
    if (!norm) {
      std::copy_n(from, weight.size(), weight.data());
      return;
    }
    const Lines<T> lines(norm->gamma, norm->beta, statistics);
    const int per = groups.channels;
    for (int64_t g = 0; g < groups.count; ++g)
      multiply<T>(false, false, groups.outputs, 1, per, {from + g * groups.outputs * per, per},
                  {lines.shift.data() + g * per, 1}, T(1), {bias.data() + g * groups.outputs, 1});
    for (int64_t t = 0; t < w.size(0); ++t)
      scale_row(per, from + t * per, lines.scale.data() + t / groups.outputs * per,
                weight.data() + t * per);
  }
};

// Computes the outputs, with their bias or with their moments for a normalisation that follows.
template <typename T>
std::pair<Tensor, Moments> combine(const Tensor& x, const Maps<T>& maps, const Folded<T>& folded,
                                   bool with_bias, bool with_moments) {
  const int64_t outputs = folded.bias.size();
  const int channels = maps.channels, per = folded.groups.channels, out = folded.groups.outputs;
  Tensor y = new_images(x, outputs);
  T* to = y.data_ptr<T>();
  const LongRows long_rows(outputs);
  const auto bias = long_rows.repeat(folded.bias.data());
  const Blocks blocks = layer_blocks(x, channels, outputs);
  std::vector<Moments> moments(at::get_num_threads(), Moments(with_moments ? outputs : 0));
  blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
    T* r = scratch<T, 0>(blocks.each * channels);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = blocks.first(block), size = blocks.size(block);
      maps.write(first, size, r);
      T* rows = to + first * outputs;
      if (with_bias)
        long_rows.each(0, size, [&](int64_t k, int64_t count) {
          std::copy_n(bias.data(), count, rows + k);
        });
      for (int64_t g = 0; g < folded.groups.count; ++g)
        multiply<T>(false, true, size, out, per, {r + g * per, channels},
                    {folded.weight.data() + g * out * per, per}, T(with_bias),
                    {rows + g * out, static_cast<int>(outputs)});
      if (with_moments) moments[part].add(rows, size, long_rows);
    }
  });
  return {y, merged(moments)};
}

// Sums over all pixels: G = sum dy r^T, [outputs, channels of a group], and d = sum dy, [outputs].
template <typename T>
struct Sums {
  std::vector<T> products, outputs;
};

// `d_y(first, size)` returns the gradient of some pixels, [size, outputs]. If a normalisation follows,
// d is 0, as the normalisation cancels constants.
template <typename T, typename Gradient>
Sums<T> sum_gradients(const Maps<T>& maps, const Blocks& blocks, const Gradient& d_y,
                      const Groups& groups, bool is_normalised) {
  const int channels = maps.channels, per = groups.channels, out = groups.outputs;
  const int outputs = groups.count * out;
  const LongRows long_rows(outputs);
  std::vector<Sums<T>> parts(at::get_num_threads());
  blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
    T* r = scratch<T, 0>(blocks.each * channels);
    Sums<T> sums{std::vector<T>(outputs * per), std::vector<T>(long_rows.numbers())};
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = blocks.first(block), size = blocks.size(block);
      maps.write(first, size, r);
      const T* rows = d_y(first, size);
      for (int64_t g = 0; g < groups.count; ++g)
        multiply<T>(true, false, out, per, size, {rows + g * out, outputs}, {r + g * per, channels},
                    T(1), {sums.products.data() + g * out * per, per});
      if (!is_normalised)
        long_rows.each(0, size, [&](int64_t k, int64_t count) {
          add_row(count, rows + k, sums.outputs.data());
        });
    }
    long_rows.fold(sums.outputs.data());
    sums.outputs.resize(outputs);
    parts[part] = std::move(sums);
  });
  for (size_t i = 1; i < parts.size(); ++i) {
    for (size_t j = 0; j < parts[i].products.size(); ++j)
      parts[0].products[j] += parts[i].products[j];
    for (size_t j = 0; j < parts[i].outputs.size(); ++j) parts[0].outputs[j] += parts[i].outputs[j];
  }
  return parts[0];
}

// Computes d_x, where d_r = weight^T dy - offset - slope r.
template <typename T, typename Gradient>
Tensor input_gradient(const Tensor& x, const Maps<T>& maps, const Blocks& blocks,
                      const Gradient& d_y, const Folded<T>& folded, const std::vector<T>& offset,
                      const std::vector<T>& slope) {
  const int channels = maps.channels, per = folded.groups.channels, out = folded.groups.outputs;
  const int outputs = folded.bias.size();
  const LongRows long_rows(channels);
  std::vector<T> offsets, slopes;
  if (!offset.empty()) {
    offsets = long_rows.repeat(offset.data());
    slopes = long_rows.repeat(slope.data());
  }
  Tensor d_x = new_images(x, x.size(1));
  T* to = d_x.data_ptr<T>();
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    T* r = scratch<T, 0>(blocks.each * channels);
    T* d_r = scratch<T, 1>(blocks.each * channels);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = blocks.first(block), size = blocks.size(block);
      maps.write(first, size, r);
      const T* rows = d_y(first, size);
      for (int64_t g = 0; g < folded.groups.count; ++g)
        multiply<T>(false, false, size, per, out, {rows + g * out, outputs},
                    {folded.weight.data() + g * out * per, per}, T(0), {d_r + g * per, channels});
      T* d_maps = maps.fan_out == 1 ? to + first * channels : d_r;
      long_rows.each(0, size, [&](int64_t k, int64_t count) {
        if (offsets.empty())
          keep_positive(count, r + k, d_r + k, d_maps + k);
        else
          subtract_line_positive(count, offsets.data(), slopes.data(), r + k, d_r + k, d_maps + k);
      });
      if (maps.fan_out > 1) maps.write_sums(first, size, d_maps, to);
    }
  });
  return d_x;
}

// Computes the gradients of x, w, its bias, gamma and beta.
template <typename T, typename Gradient>
std::vector<Tensor> perturb_combine_backward(const Gradient& d_y, const Tensor& x,
                                             const Tensor& noise, const Tensor& w, bool has_bias,
                                             const Norm* norm, const Statistics& statistics,
                                             bool is_normalised) {
  const int64_t outputs = w.size(0), pixels = pixels_of(x);
  const Maps<T> maps = maps_of<T>(x, noise);
  const int64_t channels = maps.channels;
  const Groups groups(w, channels);
  const Blocks blocks = layer_blocks(x, channels, outputs);
  const Sums<T> sums = sum_gradients<T>(maps, blocks, d_y, groups, is_normalised);
  Tensor d_w = at::empty_like(w);
  T* to = d_w.data_ptr<T>();
  Tensor d_gamma, d_beta, d_bias;
  std::vector<T> offset, slope;
  if (norm) {
    d_gamma = at::zeros_like(norm->gamma);
    d_beta = at::zeros_like(norm->beta);
    T* to_gamma = d_gamma.data_ptr<T>();
    T* to_beta = d_beta.data_ptr<T>();
    const T* weight = w.data_ptr<T>();
    const T* gamma = norm->gamma.data_ptr<T>();
    const T* beta = norm->beta.data_ptr<T>();
    const T* mean = statistics.mean.data_ptr<T>();
    const T* inv = statistics.inv.data_ptr<T>();
    for (int64_t t = 0; t < outputs; ++t) {
      const int64_t row = t * groups.channels, at = t / groups.outputs * groups.channels;
      add_row_gradients(groups.channels, weight + row, sums.products.data() + row, sums.outputs[t],
                        gamma + at, beta + at, mean + at, inv + at, to + row, to_gamma + at,
                        to_beta + at);
    }
    offset.resize(channels);
    slope.resize(channels);
    for (int64_t i = 0; i < channels; ++i) {
      const T scale = gamma[i] * inv[i];
      slope[i] = scale * inv[i] * to_gamma[i] / pixels;
      offset[i] = scale * to_beta[i] / pixels - mean[i] * slope[i];
    }
  } else {
    std::copy_n(sums.products.data(), w.numel(), to);
  }
  if (has_bias) {
    d_bias = at::empty({outputs}, w.options());
    std::copy_n(sums.outputs.data(), outputs, d_bias.data_ptr<T>());
  }
  const Folded<T> folded(w, std::nullopt, norm, statistics, groups);
  return {input_gradient<T>(x, maps, blocks, d_y, folded, offset, slope), d_w, d_bias, d_gamma,
          d_beta};
}

// Computes the statistics that the maps are normalised with, if they are.
template <typename T>
Statistics map_statistics(const Tensor& x, const Maps<T>& maps, const Norm* norm, bool training) {
  if (!norm) return {};
  if (!training) return running_statistics(*norm);
  const Blocks blocks(pixels_of(x), maps.channels);
  const auto moments = moments_of<T>(blocks, maps.channels,
                                     [&](int64_t first, int64_t count, T* buffer) {
                                       maps.write(first, count, buffer);
                                       return static_cast<const T*>(buffer);
                                     });
  return keep_moments<T>(moments, *norm);
}

}  // namespace pnn

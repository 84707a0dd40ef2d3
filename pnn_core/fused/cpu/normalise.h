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

// out = relu(normalised x + shortcut), with shortcut and ReLU optional.
template <typename T>
Tensor normalise(const Tensor& x, const Norm& norm, const Statistics& statistics,
                 const std::optional<Tensor>& shortcut, bool relu) {
  const int64_t channels = x.size(1);
  Tensor out = new_images(x, channels);
  const T* from = x.data_ptr<T>();
  const T* added = shortcut ? shortcut->data_ptr<T>() : nullptr;
  T* to = out.data_ptr<T>();
  const LongRows rows(channels);
  const Lines<T> lines(norm.gamma, norm.beta, statistics);
  const auto scale = rows.repeat(lines.scale.data()), shift = rows.repeat(lines.shift.data());
  const Blocks blocks(pixels_of(x), channels);
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    const auto loop = added ? (relu ? scale_row<true, true, T> : scale_row<true, false, T>)
                             : (relu ? scale_row<false, true, T> : scale_row<false, false, T>);
    rows.each(blocks.first(begin), blocks.last(end), [&](int64_t k, int64_t count) {
      loop(count, from + k, scale.data(), shift.data(), added + k, to + k);
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

// Terms of the sums of a gradient d, and of its products with x - mean.
template <typename T>
struct Products {
  const T *d, *x, *mean;

  template <typename V>
  void add(int64_t k, int64_t i, V& sum, V& products) const {
    const V given = load<V>(d + k);
    sum += given;
    products += given * (load<V>(x + k) - load<V>(mean + i));
  }
};

// Terms of the same sums of d after the backward pass of relu(scale x + shift).
template <typename T>
struct KeptProducts {
  const T *d, *x, *scale, *shift, *mean;

  template <typename V>
  void add(int64_t k, int64_t i, V& sum, V& products) const {
    const V from = load<V>(x + k);
    const V kept = from * load<V>(scale + i) + load<V>(shift + i) <= 0 ? V{} : load<V>(d + k);
    sum += kept;
    products += kept * (from - load<V>(mean + i));
  }
};

// Terms of the same sums of d after the backward pass of a ReLU whose output is `after`, stored.
template <typename T>
struct StoredProducts {
  const T *d, *after, *x, *mean;
  T* stored;

  template <typename V>
  void add(int64_t k, int64_t i, V& sum, V& products) const {
    const V kept = load<V>(after + k) <= 0 ? V{} : load<V>(d + k);
    store(kept, stored + k);
    sum += kept;
    products += kept * (load<V>(x + k) - load<V>(mean + i));
  }
};

// Gradients of a normalisation. The gradient of x is computed wherever it is needed:
//
//     d_x = scale d - offset - slope x,
//
// where d may pass a ReLU backward first. With a shortcut, d after the ReLU is the shortcut's gradient,
// and stored; else it is computed from x each time.
template <typename T>
struct NormGradients {
  Tensor d_gamma, d_beta, d_shortcut;

  NormGradients(const Tensor& d_out, const Tensor& x, const Tensor& out, const Norm& norm,
                const Statistics& statistics, bool relu, bool has_shortcut)
      : given_(channels_last(d_out)),
        from_(x.data_ptr<T>()),
        rows_(x.size(1)),
        tells_(relu && !has_shortcut) {
    const int64_t channels = x.size(1);
    const bool stores = relu && has_shortcut;
    const T* d = given_.data_ptr<T>();
    d_shortcut = !has_shortcut ? Tensor() : stores ? new_images(x, channels) : given_;
    const T* after = stores ? out.data_ptr<T>() : nullptr;
    T* stored = stores ? d_shortcut.data_ptr<T>() : nullptr;
    const Lines<T> lines(norm.gamma, norm.beta, statistics);
    const T* mean = statistics.mean.data_ptr<T>();
    const T* inv = statistics.inv.data_ptr<T>();
    scale_ = rows_.repeat(lines.scale.data());
    shift_ = rows_.repeat(lines.shift.data());
    const auto means = rows_.repeat(mean);
    const Blocks blocks(pixels_of(x), channels);
    const int64_t numbers = rows_.numbers();
    std::vector<std::vector<T>> parts(at::get_num_threads(), std::vector<T>(2 * numbers));
    blocks.in_parallel([&](int64_t part, int64_t begin, int64_t end) {
      T* sum = parts[part].data();
      T* products = sum + numbers;
      const int64_t first = blocks.first(begin), last = blocks.last(end);
      if (tells_)
        rows_.sum(first, last,
                  KeptProducts<T>{d, from_, scale_.data(), shift_.data(), means.data()}, sum,
                  products);
      else if (stores)
        rows_.sum(first, last, StoredProducts<T>{d, after, from_, means.data(), stored}, sum,
                  products);
      else
        rows_.sum(first, last, Products<T>{d, from_, means.data()}, sum, products);
    });
    if (stores) given_ = d_shortcut;
    T* sums = parts[0].data();
    T* products = sums + numbers;
    for (size_t i = 1; i < parts.size(); ++i) add_row(2 * numbers, parts[i].data(), sums);
    rows_.fold(sums);
    rows_.fold(products);
    d_gamma = at::empty_like(norm.gamma);
    d_beta = at::empty_like(norm.gamma);
    std::vector<T> slope(channels), offset(channels);
    for (int64_t i = 0; i < channels; ++i) {
      const T to_beta = sums[i], to_gamma = products[i] * inv[i];
      d_beta.template data_ptr<T>()[i] = to_beta;
      d_gamma.template data_ptr<T>()[i] = to_gamma;
      slope[i] = lines.scale[i] * inv[i] * to_gamma / blocks.pixels;
      offset[i] = lines.scale[i] * to_beta / blocks.pixels - mean[i] * slope[i];
    }
    slope_ = rows_.repeat(slope.data());
    offset_ = rows_.repeat(offset.data());
  }

  // Writes the gradient of some pixels of x, [count, channels].
  void write(int64_t first, int64_t count, T* to) const {
    const int64_t begin = first * rows_.channels;
    const T *d = given_.data_ptr<T>() + begin, *x = from_ + begin;
    rows_.each(0, count, [&](int64_t k, int64_t numbers) {
      if (tells_)
        subtract_line_kept(numbers, scale_.data(), shift_.data(), d + k, offset_.data(),
                           slope_.data(), x + k, to + k);
      else
        subtract_line(numbers, scale_.data(), d + k, offset_.data(), slope_.data(), x + k, to + k);
    });
  }

 private:
  Tensor given_;
  const T* from_;
  LongRows rows_;
  bool tells_;
  std::vector<T> scale_, shift_, slope_, offset_;
};

// Computes the gradients of x, gamma, beta and the shortcut.
template <typename T>
std::vector<Tensor> normalise_backward(const Tensor& d_out, const Tensor& x, const Tensor& out,
                                       const Norm& norm, const Statistics& statistics, bool relu,
                                       bool has_shortcut) {
  const NormGradients<T> gradients(d_out, x, out, norm, statistics, relu, has_shortcut);
  Tensor d_x = new_images(x, x.size(1));
  T* to = d_x.data_ptr<T>();
  const Blocks blocks(pixels_of(x), x.size(1));
  blocks.in_parallel([&](int64_t, int64_t begin, int64_t end) {
    const int64_t first = blocks.first(begin);
    gradients.write(first, blocks.last(end) - first, to + first * x.size(1));
  });
  return {d_x, gradients.d_gamma, gradients.d_beta, gradients.d_shortcut};
}

}  // namespace pnn

// A perturbation layer with the normalisation, the shortcut and the ReLU that follow it.
//
// A normalisation's statistics are computed from each block of outputs as soon as it is computed, and
// the gradient of its input is computed where the layer needs it, and never stored. A normalisation
// cancels constants: the bias is left out, and added to the running mean alone.

#pragma once

#include <optional>
#include <vector>

#include "normalise.h"
#include "perturb_combine.h"

namespace pnn {

// Parts of a layer besides its noise and its 1x1.
struct Parts {
  std::optional<Norm> before;  // normalisation before the 1x1
  std::optional<Norm> after;   // normalisation after it; without one, no shortcut and no ReLU
  std::optional<Tensor> shortcut;
  bool relu, training;
};

// Results of the forward pass that the backward pass needs.
struct LayerOutputs {
  Tensor y;    // output of the 1x1
  Tensor out;  // output of the layer
  Statistics before, after;
};

template <typename T>
LayerOutputs layer_forward(const Tensor& x, const Tensor& noise, const Tensor& w,
                           const std::optional<Tensor>& b, const Parts& parts) {
  const Maps<T> maps = maps_of<T>(x, noise);
  const Norm* before = parts.before ? &*parts.before : nullptr;
  const Statistics statistics = map_statistics<T>(x, maps, before, parts.training);
  const Folded<T> folded(w, b, before, statistics, Groups(w, maps.channels));
  const bool is_normalised = parts.after && parts.training;
  auto [y, moments] = combine<T>(x, maps, folded, !is_normalised, is_normalised);
  if (!parts.after) return {y, y, statistics, {}};
  const Statistics after = parts.training
                               ? keep_moments<T>(moments, *parts.after, folded.bias.data())
                               : running_statistics(*parts.after);
  return {y, normalise<T>(y, *parts.after, after, parts.shortcut, parts.relu), statistics, after};
}

struct LayerGradients {
  std::vector<Tensor> layer;  // gradients of x, w, its bias, and the normalisation before
  Tensor d_gamma, d_beta;     // gradients of the normalisation after it
  Tensor d_shortcut;
};

template <typename T>
LayerGradients layer_backward(const Tensor& d_out, const Tensor& x, const Tensor& noise,
                              const Tensor& w, bool has_bias, const Parts& parts,
                              const LayerOutputs& outputs) {
  const Norm* before = parts.before ? &*parts.before : nullptr;
  const int64_t channels = w.size(0);
  const auto backward = [&](const auto& d_y) {
    return perturb_combine_backward<T>(d_y, x, noise, w, has_bias, before, outputs.before,
                                       parts.after.has_value());
  };
  if (!parts.after) {
    const Tensor d_y = channels_last(d_out);
    const T* rows = d_y.data_ptr<T>();
    return {backward([&](int64_t first, int64_t) { return rows + first * channels; }), {}, {}, {}};
  }
  const NormGradients<T> gradients(d_out, outputs.y, outputs.out, *parts.after, outputs.after,
                                   parts.relu, parts.shortcut.has_value());
  return {backward([&](int64_t first, int64_t size) {
            T* rows = scratch<T, 3>(size * channels);
            gradients.write(first, size, rows);
            return static_cast<const T*>(rows);
          }),
          gradients.d_gamma, gradients.d_beta, gradients.d_shortcut};
}

}  // namespace pnn

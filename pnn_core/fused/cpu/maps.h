// The perturbed maps of a layer, which are made wherever they are needed.

#pragma once

#include "images.h"
#include "loops.h"

namespace pnn {

// What a layer's maps are made of.
template <typename T>
struct Maps {
  const T* x;      // [pixels, channels / fan_out]
  const T* noise;  // [area, channels]
  int64_t area;    // pixels of one image
  int64_t channels;
  int64_t fan_out;

  // Writes relu(noise + x) of some pixels, [count, channels].
  void write(int64_t first, int64_t count, T* r) const {
    for (int64_t pixel = first; pixel < first + count; ++pixel, r += channels) {
      const T* from = x + pixel * (channels / fan_out);
      const T* mask = noise + (pixel % area) * channels;
      switch (fan_out) {
        case 1: perturb_row(channels, from, mask, r); break;
        case 2: perturb_row_fanned<2>(channels, from, mask, r); break;
        case 4: perturb_row_fanned<4>(channels, from, mask, r); break;
        case 8: perturb_row_fanned<8>(channels, from, mask, r); break;
        default:
          for (int64_t i = 0; i < channels; ++i) r[i] = relu(from[i / fan_out] + mask[i]);
      }
    }
  }

  // Writes the gradient of x from that of r, which is overwritten.
  void write_input_gradient(int64_t first, int64_t count, const T* r, T* d_r, T* d_x) const {
    const int64_t inputs = channels / fan_out;
    T* to = d_x + first * inputs;
    if (fan_out == 1) return keep_positive(count * channels, r, d_r, to);
    keep_positive(count * channels, r, d_r, d_r);
    for (int64_t i = 0; i < count * inputs; ++i) {
      T sum = 0;
      for (int64_t j = 0; j < fan_out; ++j) sum += d_r[i * fan_out + j];
      to[i] = sum;
    }
  }
};

template <typename T>
Maps<T> maps_of(const Tensor& x, const Tensor& noise) {
  return {x.data_ptr<T>(), noise.data_ptr<T>(), x.size(2) * x.size(3), noise.size(1),
          noise.size(1) / x.size(1)};
}

}  // namespace pnn

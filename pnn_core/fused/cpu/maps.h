// Perturbed maps of a layer, computed wherever they are needed.

#pragma once

#include <algorithm>
#include <numeric>

#include "images.h"
#include "loops.h"

namespace pnn {

// Image and noise that a layer's maps are computed from.
template <typename T>
struct Maps {
  const T* x;      // [pixels, channels / fan_out]
  const T* noise;  // [area, channels]
  int64_t area;    // pixels of one image
  int64_t channels;
  int64_t fan_out;

  // Writes relu(noise + x) of some pixels, [count, channels], image by image, so that mask and image
  // have the same order in memory.
  void write(int64_t first, int64_t count, T* r) const {
    for (int64_t pixel = first; pixel < first + count;) {
      const int64_t at = pixel % area, run = std::min(area - at, first + count - pixel);
      const T* from = x + pixel * (channels / fan_out);
      const T* mask = noise + at * channels;
      const int64_t numbers = run * channels;
      switch (fan_out) {
        case 1: perturb_row(numbers, from, mask, r); break;
        case 2: perturb_row_fanned<2>(numbers, from, mask, r); break;
        case 4: perturb_row_fanned<4>(numbers, from, mask, r); break;
        case 8: perturb_row_fanned<8>(numbers, from, mask, r); break;
        default:
          for (int64_t i = 0; i < numbers; ++i) r[i] = relu(from[i / fan_out] + mask[i]);
      }
      pixel += run;
      r += numbers;
    }
  }

  // Writes the gradient of some pixels of x, [count, channels]: for each number, the sum of its maps'
  // gradients.
  void write_sums(int64_t first, int64_t count, const T* d_maps, T* d_x) const {
    const int64_t numbers = count * (channels / fan_out);
    T* to = d_x + first * (channels / fan_out);
    switch (fan_out) {
      case 2: sum_fans<2>(numbers, d_maps, to); break;
      case 4: sum_fans<4>(numbers, d_maps, to); break;
      case 8: sum_fans<8>(numbers, d_maps, to); break;
      default:
        for (int64_t i = 0; i < numbers; ++i)
          to[i] = std::accumulate(d_maps + i * fan_out, d_maps + (i + 1) * fan_out, T(0));
    }
  }
};

template <typename T>
Maps<T> maps_of(const Tensor& x, const Tensor& noise) {
  return {x.data_ptr<T>(), noise.data_ptr<T>(), x.size(2) * x.size(3), noise.size(1),
          noise.size(1) / x.size(1)};
}

}  // namespace pnn

// Max-pooling of 2x2 pixels, forward and backward; at an odd edge, of the pixels inside.
//
// The backward pass needs the position of each maximum, stored in a byte, and nothing of the input.

#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "blocks.h"
#include "images.h"

namespace pnn {

// Images of height x width, pooled to half the height and width, rounded up.
struct Halved {
  int64_t images, height, width;

  int64_t rows() const { return (height + 1) / 2; }
  int64_t columns() const { return (width + 1) / 2; }

  // Calls work(output pixel, first input pixel, has right, has below) for each pixel of the output.
  template <typename Work>
  void each(int64_t channels, const Work& work) const {
    const int64_t numbers = std::max<int64_t>(1, columns() * channels);
    const int64_t rows_each = std::max<int64_t>(1, kThreadNumbers / numbers);
    at::parallel_for(0, images * rows(), rows_each, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t above = 2 * (row % rows());
        const int64_t first = (row / rows() * height + above) * width;
        for (int64_t column = 0; column < columns(); ++column)
          work(row * columns() + column, first + 2 * column, 2 * column + 1 < width,
               above + 1 < height);
      }
    });
  }
};

// Takes the first of equals, and the last NaN before any number, as torch's operator does. Beyond an
// edge the pixel before it is repeated, and `there` masks the bits of the position.
template <typename T>
void take_largest(int64_t count, const T* a, const T* b, const T* c, const T* d, uint8_t there,
                  T* largest, uint8_t* place) {
  // Integer as wide as T, or the compiler does not vectorise.
  using Place = std::conditional_t<sizeof(T) == sizeof(int32_t), int32_t, int64_t>;
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    T most = a[i];
    Place at = 0;
    const auto compare = [&](T value, Place its) {
      const Place is_more = (value > most) | (value != value);
      most = is_more ? value : most;
      at = is_more ? its : at;
    };
    compare(b[i], 1);
    compare(c[i], 2);
    compare(d[i], 3);
    largest[i] = most;
    place[i] = static_cast<uint8_t>(at) & there;
  }
}

template <typename T>
void give_back(int64_t count, const uint8_t* place, const T* d_largest, T* a, T* b, T* c, T* d) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; ++i) {
    const T given = d_largest[i];
    a[i] = place[i] == 0 ? given : T(0);
    b[i] = place[i] == 1 ? given : T(0);
    c[i] = place[i] == 2 ? given : T(0);
    d[i] = place[i] == 3 ? given : T(0);
  }
}

// Returns the pooled images, and the position of each maximum: 0 to 3, row by row.
template <typename T>
std::pair<Tensor, Tensor> max_pool_forward(const Tensor& x) {
  const int64_t channels = x.size(1);
  const Halved halved{x.size(0), x.size(2), x.size(3)};
  Tensor y = at::empty({halved.images, channels, halved.rows(), halved.columns()}, x.options(),
                       at::MemoryFormat::ChannelsLast);
  Tensor places = at::empty_like(y, x.options().dtype(at::kByte));
  const T* from = x.data_ptr<T>();
  T* to = y.data_ptr<T>();
  uint8_t* place = places.data_ptr<uint8_t>();
  halved.each(channels, [&](int64_t pixel, int64_t first, bool has_right, bool has_below) {
    const T* a = from + first * channels;
    const T* b = has_right ? a + channels : a;
    const int64_t below = has_below ? halved.width * channels : 0;
    const uint8_t there = (has_right ? 1 : 0) | (has_below ? 2 : 0);
    take_largest(channels, a, b, a + below, b + below, there, to + pixel * channels,
                 place + pixel * channels);
  });
  return {y, places};
}

template <typename T>
Tensor max_pool_backward(const Tensor& d_out, const Tensor& places, int64_t height, int64_t width) {
  const int64_t channels = places.size(1);
  const Halved halved{places.size(0), height, width};
  const Tensor d_y = channels_last(d_out);
  Tensor d_x = at::empty({halved.images, channels, height, width}, d_y.options(),
                         at::MemoryFormat::ChannelsLast);
  const T* from = d_y.data_ptr<T>();
  const uint8_t* place = places.data_ptr<uint8_t>();
  T* to = d_x.data_ptr<T>();
  halved.each(channels, [&](int64_t pixel, int64_t first, bool has_right, bool has_below) {
    T* beyond = scratch<T, 0>(channels);
    T* a = to + first * channels;
    T* c = a + width * channels;
    give_back(channels, place + pixel * channels, from + pixel * channels, a,
              has_right ? a + channels : beyond, has_below ? c : beyond,
              has_right && has_below ? c + channels : beyond);
  });
  return d_x;
}

}  // namespace pnn

// Images, channels last: pixel by pixel, each with all its channels.

#pragma once

#include <ATen/Functions.h>

namespace pnn {

using at::Tensor;

inline Tensor channels_last(const Tensor& images) {
  return images.contiguous(at::MemoryFormat::ChannelsLast);
}

inline Tensor new_images(const Tensor& like, int64_t channels) {
  return at::empty({like.size(0), channels, like.size(2), like.size(3)}, like.options(),
                   at::MemoryFormat::ChannelsLast);
}

inline int64_t pixels_of(const Tensor& images) {
  return images.size(0) * images.size(2) * images.size(3);
}

}  // namespace pnn

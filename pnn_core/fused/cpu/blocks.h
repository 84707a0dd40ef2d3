// Blocks of pixels, distributed over threads.

#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace pnn {

// Numbers per block: they fit into a core's second-level cache together with the weights.
constexpr int64_t kBlockNumbers = 1 << 16;
// Numbers per thread below which another thread costs more than it saves.
constexpr int64_t kThreadNumbers = 1 << 13;

struct Blocks {
  int64_t pixels;  // pixels of all blocks
  int64_t each;    // pixels per block; the last one may have fewer

  // Makes equally many blocks for each thread, all of nearly the same size.
  Blocks(int64_t pixels, int64_t channels) : pixels(pixels) {
    const int64_t numbers = pixels * channels;
    const int64_t threads =
        std::clamp<int64_t>(numbers / kThreadNumbers, 1, at::get_num_threads());
    const int64_t rounds = divide_up(numbers, kBlockNumbers * threads);
    each = divide_up(pixels, rounds * threads);
  }

  static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
  int64_t count() const { return divide_up(pixels, each); }
  int64_t first(int64_t block) const { return block * each; }
  int64_t last(int64_t block) const { return std::min(first(block), pixels); }
  int64_t size(int64_t block) const { return std::min(each, pixels - first(block)); }

  // Calls work(part, first block, last block) in parallel, with as many parts as threads.
  template <typename Work>
  void in_parallel(const Work& work) const {
    at::parallel_for(0, count(), 1, [&](int64_t begin, int64_t end) {
      work(at::get_thread_num(), begin, end);
    });
  }
};

// Returns this thread's memory for one of four uses, kept from call to call: the system takes longer
// to map fresh pages than a block takes to fill.
template <typename T, int kUse>
T* scratch(int64_t numbers) {
  thread_local std::vector<T> kept;
  if (static_cast<int64_t>(kept.size()) < numbers) kept.resize(numbers);
  return kept.data();
}

}  // namespace pnn

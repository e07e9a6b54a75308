// What an operation on a few numbers costs beside its arithmetic: time of forward and backward, and the bytes
// that its place in the graph holds. Chains of one operation, on one thread. Beside PyTorch: compare.py.

#include <fmt/format.h>
#include <malloc.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "ops/ops.h"

namespace {

std::atomic<std::size_t> heap_bytes = 0;

void* counted(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  heap_bytes += malloc_usable_size(block);
  return block;
}

}  // namespace

// Every other form of new and delete calls these. What tensors hold comes from their own allocator. (Not
// inlined, or GCC would take malloc with delete for a mistake.)
[[gnu::noinline]] void* operator new(std::size_t bytes) { return counted(std::malloc(bytes)); }
[[gnu::noinline]] void operator delete(void* block) noexcept {
  if (block != nullptr) heap_bytes -= malloc_usable_size(block);
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { operator delete(block); }

namespace lrurec {
namespace {

constexpr int chain = 1000, rounds = 51;

/// One operation of a chain: from x, of n numbers, to the same number of them.
struct Operation {
  std::string name;
  int nodes;  ///< operations in it
  std::function<Variable(const Variable& x)> apply;
};

Variable leaf(const Shape& shape, double value) {
  return Variable(Tensor::full(shape, value, DType::f32), true);
}

std::vector<Operation> operations(std::int64_t n) {
  const Variable w = leaf({n}, 1.001), b = leaf({n}, 0.001);
  const Variable W = leaf({n, n}, 1.0 / static_cast<double>(n));
  return {
      {"add", 1, [b](const Variable& x) { return x + b; }},
      {"mul", 1, [w](const Variable& x) { return x * w; }},
      {"mul by a number", 1, [](const Variable& x) { return x * 1.001; }},
      {"tanh", 1, [](const Variable& x) { return ops::tanh(x); }},
      {"slice", 1, [n](const Variable& x) { return ops::slice(x, 0, 0, n); }},
      {"reshape", 1, [n](const Variable& x) { return ops::reshape(x, {n}); }},
      {"sum, broadcast_to", 2,
       [n](const Variable& x) { return ops::broadcast_to(ops::sum(x, {0}, true), {n}); }},
      {"reshape, linear, reshape", 3,
       [n, W, b](const Variable& x) {
         return ops::reshape(ops::linear(ops::reshape(x, {1, n}), W, b), {n});
       }},
  };
}

struct Result {
  double forward, backward;  ///< microseconds an operation
  double heap, tensors;      ///< bytes that an operation of a finished forward pass holds
};

double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2), x.end());
  return x[x.size() / 2];
}

/// Processor time of this program: other programs on the machine disturb it less than the time of day.
double microseconds() { return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC; }

Result measure(const Operation& operation, std::int64_t n) {
  const double count = chain * operation.nodes;
  std::vector<double> forward, backward;
  Result result{};
  for (int round = 0; round < rounds; ++round) {
    Variable x = leaf({n}, 0.5);
    const std::size_t heap = heap_bytes, tensors = memory_stats().in_use;
    const double start = microseconds();
    for (int i = 0; i < chain; ++i) x = operation.apply(x);
    forward.push_back((microseconds() - start) / count);
    result.heap = static_cast<double>(heap_bytes - heap) / count;
    result.tensors = static_cast<double>(memory_stats().in_use - tensors) / count;
    const Variable loss = ops::sum(x);
    x = Variable();
    const double middle = microseconds();
    loss.backward();
    backward.push_back((microseconds() - middle) / count);
  }
  result.forward = median(forward);
  result.backward = median(backward);
  return result;
}

}  // namespace
}  // namespace lrurec

/// A line a case: name, size, microseconds forward and backward, bytes on the heap and in tensors.
int main() {
  omp_set_num_threads(1);
  for (const std::int64_t n : {1, 8, 64}) {
    for (const auto& operation : lrurec::operations(n)) {
      const auto r = lrurec::measure(operation, n);
      fmt::print("{}\t{}\t{:.3f}\t{:.3f}\t{:.0f}\t{:.0f}\n", operation.name, n, r.forward, r.backward, r.heap,
                 r.tensors);
    }
  }
}

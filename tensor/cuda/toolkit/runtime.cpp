// The CUDA runtime behind runtime.h.

#include "tensor/cuda/runtime.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <new>
#include <utility>
#include <vector>

#include "tensor/cuda/toolkit/check.h"
#include "tensor/cuda/toolkit/launch.h"
#include "tensor/cuda/toolkit/probe.h"
#include "tensor/cuda/toolkit/recording.h"

namespace lrurec::cuda {
namespace {

/// Page-locked memory between host and device. A copy from it runs beside the host; a copy from other memory
/// makes the host wait. Slots are used in turn. A slot is free again when its last copy has passed. Where the
/// next slot is not free, another one is added, up to a limit. A slot that a recording reads is free when the
/// recording has run.
class Staging {
 public:
  void send(void* device, const void* host, std::size_t bytes, cudaStream_t stream, bool recording) {
    const auto* from = static_cast<const std::byte*>(host);
    auto* to = static_cast<std::byte*>(device);
    while (bytes > 0) {
      Slot& slot = next();
      if (slot.memory == nullptr) {
        check("page-locked memory", cudaMallocHost(&slot.memory, slot_bytes));
        check("event", cudaEventCreateWithFlags(&slot.sent, cudaEventDisableTiming));
      } else {
        check("copy to device", cudaEventSynchronize(slot.sent));
      }
      const std::size_t part = std::min(bytes, slot_bytes);
      std::memcpy(slot.memory, from, part);
      check("copy to device", cudaMemcpyAsync(to, slot.memory, part, cudaMemcpyHostToDevice, stream));
      slot.recorded = recording;
      if (!recording) check("copy to device", cudaEventRecord(slot.sent, stream));
      from += part, to += part, bytes -= part;
    }
  }

  /// What was recorded is in the stream, or was dropped.
  void recording_ended(cudaStream_t stream) {
    for (Slot& slot : slots_) {
      if (slot.recorded) check("copy to device", cudaEventRecord(slot.sent, stream));
      slot.recorded = false;
    }
  }

 private:
  static constexpr std::size_t slot_bytes = std::size_t{1} << 20, most_slots = most_staged_bytes / slot_bytes;
  struct Slot {
    void* memory = nullptr;
    cudaEvent_t sent = nullptr;
    bool recorded = false;
  };
  static bool on_its_way(const Slot& slot) {
    if (slot.memory == nullptr) return false;
    const cudaError_t code = cudaEventQuery(slot.sent);
    if (code == cudaErrorNotReady) {
      cudaGetLastError();  // an answer, which the next check must not see
      return true;
    }
    check("copy to device", code);
    return false;
  }
  Slot& next() {
    if (next_ == slots_.size()) next_ = 0;
    auto slot = slots_.begin() + static_cast<std::ptrdiff_t>(next_++);
    // A long recording needs all its slots at once, whatever the limit. A new slot is put before the oldest,
    // which keeps them in the order of their copies.
    if (slot->recorded || (slots_.size() < most_slots && on_its_way(*slot))) slot = slots_.emplace(slot);
    return *slot;
  }
  std::deque<Slot> slots_ = std::deque<Slot>(16);
  std::size_t next_ = 0;  ///< the oldest slot
};

/// One GPU, one stream, one cuBLAS handle. It lives until the process ends, when the driver takes everything
/// back.
struct Context {
  int index = -1;
  cudaStream_t stream = nullptr;
  cublasHandle_t cublas = nullptr;
  void* workspace = nullptr;
  cudaMemPool_t pool = nullptr;
  Staging staging;
  int capability = 0, multiprocessors = 0, l2_cache_bytes = 0;
  bool tf32 = false;
  bool recording = false;             ///< the stream records (graph.cpp)
  cudaStream_t allocating = nullptr;  ///< the stream where memory is allocated then
  std::vector<void*> freed;           ///< memory that was freed while recording

  void open(int device) {
    if (device == index) return;
    if (index >= 0)
      fail(ErrorKind::usage, "one process uses one GPU: cuda:{} is open, cuda:{} was asked for", index,
           device);
    check("select device", cudaSetDevice(device));
    check("stream", cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    check("stream", cudaStreamCreateWithFlags(&allocating, cudaStreamNonBlocking));
    const CublasLibrary& blas = cublas_library();
    check("cuBLAS handle", blas.create(&cublas));
    check("cuBLAS stream", blas.set_stream(cublas, stream));
    // With working memory of its own, cuBLAS gives the same bits every time and allocates nothing.
    constexpr std::size_t workspace_bytes = std::size_t{32} << 20;
    check("cuBLAS workspace", cudaMalloc(&workspace, workspace_bytes));
    check("cuBLAS workspace", blas.set_workspace(cublas, workspace, workspace_bytes));
    check("cuBLAS mode", blas.set_math_mode(cublas, CUBLAS_DEFAULT_MATH));
    // What is freed stays in the pool for the next allocation.
    check("memory pool", cudaDeviceGetDefaultMemPool(&pool, device));
    std::uint64_t keep = UINT64_MAX;
    check("memory pool", cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
    const auto read = [&](int& value, cudaDeviceAttr attribute) {
      check("device properties", cudaDeviceGetAttribute(&value, attribute, device));
    };
    read(capability, cudaDevAttrComputeCapabilityMajor);
    read(multiprocessors, cudaDevAttrMultiProcessorCount);
    read(l2_cache_bytes, cudaDevAttrL2CacheSize);
    index = device;
  }
};

Context& closed_context() {
  static auto* instance = new Context;
  return *instance;
}
Context& context() {
  Context& c = closed_context();
  if (c.index < 0) c.open(0);
  // The runtime keeps a current device for each thread, which is the first one unless it is set.
  thread_local const cudaError_t told = cudaSetDevice(c.index);
  check("select device", told);
  return c;
}

}  // namespace

cudaStream_t stream() { return context().stream; }
cublasHandle_t cublas() { return context().cublas; }
int multiprocessors() { return context().multiprocessors; }
std::int64_t l2_cache_bytes() { return context().l2_cache_bytes; }

namespace {

/// The first error from freeing memory that was not reported yet.
std::atomic<cudaError_t>& failed_free() {
  static std::atomic<cudaError_t> code = cudaSuccess;
  return code;
}

void check_frees() { check("free", failed_free().exchange(cudaSuccess)); }

}  // namespace

void recording_begins() { context().recording = true; }

void recording_ended() {
  Context& c = context();
  c.recording = false;
  for (void* block : std::exchange(c.freed, {})) free(block, 0);
  c.staging.recording_ended(c.stream);
}

void refuse_while_recording(const char* what) {
  if (context().recording) fail(ErrorKind::internal, "[{}] a recording cannot wait for the GPU", what);
}

void check_call(const char* name, cudaError_t code) { check(name, code); }

void check_launch(const char* name) {
  check_frees();
  check(name, cudaGetLastError());
}

int device_count() {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code == cudaErrorNoDevice) return 0;
  check("count GPUs", code);
  return count;
}

DeviceInfo device_info(int index) {
  cudaDeviceProp p;
  check("device properties", cudaGetDeviceProperties(&p, index));
  DeviceInfo info;
  info.index = index;
  info.name = p.name;
  info.major = p.major;
  info.minor = p.minor;
  info.multiprocessors = p.multiProcessorCount;
  info.memory = p.totalGlobalMem;
  info.l2_cache = static_cast<std::size_t>(p.l2CacheSize);
  info.shared_memory_per_block = p.sharedMemPerBlockOptin;
  check("select device", cudaSetDevice(index));
  std::size_t total = 0;
  check("free memory", cudaMemGetInfo(&info.free_memory, &total));
  info.has_kernels = kernels_fit_device();
  // Back to the GPU in use: kernels start on the current device, and the stream belongs to the one in use.
  if (const int in_use = closed_context().index; in_use >= 0) check("select device", cudaSetDevice(in_use));
  return info;
}

std::vector<DeviceInfo> devices() {
  std::vector<DeviceInfo> result;
  for (int k = 0, count = device_count(); k < count; ++k) result.push_back(device_info(k));
  return result;
}

std::string versions() {
  int runtime = 0, driver = 0;
  cudaRuntimeGetVersion(&runtime);
  cudaDriverGetVersion(&driver);
  const auto text = [](int v) {
    return v == 0 ? std::string("none") : fmt::format("{}.{}", v / 1000, v % 1000 / 10);
  };
  return fmt::format("CUDA runtime {}, driver for CUDA {}, compiled for architectures {}", text(runtime),
                     text(driver), LRUREC_CUDA_ARCHITECTURES);
}

void select_device(int index) { closed_context().open(index); }
int selected_device() { return context().index; }

void* allocate(std::size_t bytes) {
  const Context& c = context();
  void* block = nullptr;
  // An allocation in the stream that records would belong to the graph.
  const cudaStream_t where = c.recording ? c.allocating : c.stream;
  const auto try_it = [&] {
    const cudaError_t code = cudaMallocAsync(&block, std::max<std::size_t>(bytes, 1), where);
    if (code == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // it is reported by the caller; the next check must not see it
      return false;
    }
    check("allocate", code);
    if (c.recording) check("allocate", cudaStreamSynchronize(where));
    return true;
  };
  if (try_it()) return block;
  // Freed memory goes back to the driver only when the stream has passed it and the pool is trimmed. Until
  // then it is in the way of a block of another size. A stream that records cannot be waited for.
  if (!c.recording) check("allocate", cudaStreamSynchronize(c.stream));
  check("allocate", cudaMemPoolTrimTo(c.pool, 0));
  return try_it() ? block : nullptr;
}

// Freeing happens in destructors, also while an error is on its way: nothing is thrown here.
void free(void* block, std::size_t) {
  if (Context& c = context(); c.recording) {
    try {
      c.freed.push_back(block);
    } catch (const std::bad_alloc&) {  // then it is never freed
    }
    return;
  }
  // This may be a destructor, so the next launch or synchronisation throws the error.
  const cudaError_t code = cudaFreeAsync(block, stream());
  cudaError_t none = cudaSuccess;
  if (code != cudaSuccess) failed_free().compare_exchange_strong(none, code);
}

void give_freed_back() {
  const Context& c = closed_context();
  if (c.index < 0) return;
  synchronize();
  check("give memory back", cudaMemPoolTrimTo(c.pool, 0));
}

void to_device(void* device, const void* host, std::size_t bytes) {
  Context& c = context();
  // For a large block a staging copy gains nothing; from ordinary memory the driver copies before it returns.
  if (bytes > most_staged_bytes && !c.recording) {
    check("copy to device", cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, c.stream));
    check("copy to device", cudaStreamSynchronize(c.stream));
  } else {
    c.staging.send(device, host, bytes, c.stream, c.recording);
  }
}

void to_host(void* host, const void* device, std::size_t bytes) {
  refuse_while_recording("copy to host");
  check("copy to host", cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream()));
  check("copy to host", cudaStreamSynchronize(stream()));
}

void on_device(void* to, const void* from, std::size_t bytes) {
  check("copy on device", cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream()));
}

void fill_zero(void* device, std::size_t bytes) {
  check("fill with zeros", cudaMemsetAsync(device, 0, bytes, stream()));
}

void synchronize() {
  refuse_while_recording("synchronize");
  check_frees();
  check("synchronize", cudaStreamSynchronize(stream()));
}

Event::Event() {
  stream();  // an event belongs to a context
  cudaEvent_t event = nullptr;
  check("event", cudaEventCreate(&event));
  event_ = event;
}
Event::~Event() { cudaEventDestroy(static_cast<cudaEvent_t>(event_)); }
void Event::record() { check("event", cudaEventRecord(static_cast<cudaEvent_t>(event_), stream())); }
void Event::synchronize() const { check("event", cudaEventSynchronize(static_cast<cudaEvent_t>(event_))); }
bool Event::done() const {
  const cudaError_t code = cudaEventQuery(static_cast<cudaEvent_t>(event_));
  if (code == cudaErrorNotReady) {
    cudaGetLastError();  // an answer, which the next check must not see
    return false;
  }
  check("event", code);
  return true;
}
double Event::elapsed_ms(const Event& start, const Event& end) {
  end.synchronize();
  float ms = 0;
  check("event", cudaEventElapsedTime(&ms, static_cast<cudaEvent_t>(start.event_),
                                      static_cast<cudaEvent_t>(end.event_)));
  return static_cast<double>(ms);
}

void set_tf32(bool on) {
  Context& c = context();
  c.tf32 = on && c.capability >= 8;
  check("cuBLAS mode",
        cublas_library().set_math_mode(c.cublas, c.tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
}
bool tf32() { return context().tf32; }

}  // namespace lrurec::cuda

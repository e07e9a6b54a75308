#pragma once
// What the project needs of a GPU on the host's side: memory, copies, one stream, products, sorting. There
// are two implementations: the CUDA runtime, cuBLAS and CUB (toolkit/), and the emulator that runs kernels on
// the CPU for tests (emulator/). A call that fails throws an error that says what was tried.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lrurec::cuda {

struct DeviceInfo {
  int index = 0;
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  int multiprocessors = 0;
  std::size_t memory = 0, free_memory = 0, l2_cache = 0, shared_memory_per_block = 0;  ///< bytes
  bool has_kernels = false;  ///< this build runs on its architecture
};

/// How many GPUs there are: 0 where there is a driver but no GPU. Throws ErrorKind::usage where there is no
/// driver.
int device_count();
/// GPU `index` of those. Starts the driver on this GPU alone; the GPU in use stays in use.
DeviceInfo device_info(int index);
/// All GPUs. Starts the driver on each of them.
std::vector<DeviceInfo> devices();
/// "CUDA runtime 13.0, driver 13.0, cuBLAS 13.0.2; compiled for 80 90", or that kernels are emulated.
std::string versions();

/// Makes GPU `index` the one that all later calls use. The first time, this starts the driver. Throws
/// ErrorKind::usage where there is no such GPU, or another one is in use.
void select_device(int index);
/// The GPU in use: the first one, where none was selected.
int selected_device();

/// Of the GPU in use, for launches and for work that should stay in its L2 cache.
int multiprocessors();
std::int64_t l2_cache_bytes();

/// Device memory, in the order of the stream: a freed block may serve the next kernel at once. nullptr where
/// memory is exhausted.
void* allocate(std::size_t bytes);
void free(void* block, std::size_t bytes);
/// Waits for the stream and returns freed memory to the driver, for other programs.
void give_freed_back();

/// A copy to the device of up to this many bytes goes through page-locked memory while the device computes; a
/// larger one waits for the device.
inline constexpr std::size_t most_staged_bytes = std::size_t{64} << 20;

// Copies and fills take their turn in the stream like kernels. `to_device` returns when `host` may change
// again, `to_host` when the bytes have arrived.
void to_device(void* device, const void* host, std::size_t bytes);
void to_host(void* host, const void* device, std::size_t bytes);
void on_device(void* to, const void* from, std::size_t bytes);
void fill_zero(void* device, std::size_t bytes);

/// Waits until everything sent to the stream has run. Throws the errors of kernels.
void synchronize();

/// Marks a place in the stream; elapsed_ms waits for both and gives the time between them.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record();
  void synchronize() const;
  bool done() const;
  static double elapsed_ms(const Event& start, const Event& end);

 private:
  void* event_;
};

/// Whether float products may use TF32 (10 bits of mantissa, several times faster). Off by default, and
/// always where the GPU has none (before compute capability 8).
void set_tf32(bool on);
bool tf32();

}  // namespace lrurec::cuda

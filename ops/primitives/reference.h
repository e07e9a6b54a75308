#pragma once

namespace lrurec {

/// The tag, beside Cpu and Cuda, of an operation's plain kernel in <op>_reference.h: loops over the equation,
/// without tiles, threads or vectors. Read it first. Tests compare the kernels of the devices with it.
struct Reference {};

}  // namespace lrurec

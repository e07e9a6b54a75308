#pragma once

namespace lrurec {

/// The tag, beside Cpu and Cuda, of an operation's plain kernel in <op>_reference.h: loops over the equation,
/// without tiles, threads or vectors. Read it first; tests hold the kernels of the devices against it.
struct Reference {};

}  // namespace lrurec

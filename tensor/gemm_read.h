#pragma once

namespace lrurec {

/// How a product reads a stored row-major matrix. `conj` and `conj_transpose` equal the plain ones for real
/// types.
enum class Read { plain, transpose, conj, conj_transpose };

}  // namespace lrurec

#pragma once

#include <cstdint>
#include <vector>

#include "autograd/variable.h"

namespace study {

using Offsets = std::vector<std::int64_t>;

lrurec::Variable linear_scan(const lrurec::Variable& lambda, const lrurec::Variable& x,
                             const Offsets& offsets);

}  // namespace study

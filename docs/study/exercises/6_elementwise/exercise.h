#pragma once

#include "autograd/variable.h"

namespace study {

lrurec::Variable geometric(const lrurec::Variable& x);

}  // namespace study

#pragma once
// The files of page/, put into the program when it is built.

#include <string_view>

namespace lrurec::explore::assets {

extern const std::string_view style, model_js, scan_js, eigenvalues_js, history_js, explore_js;

}  // namespace lrurec::explore::assets

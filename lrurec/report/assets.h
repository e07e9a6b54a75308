#pragma once
// The files of page/ and the chart library (Chart.js), put into the program when it is built.

#include <string_view>

namespace lrurec::report::assets {

extern const std::string_view page_html, page_css, common_js, page_js, reproduction_js, chart_js;

}  // namespace lrurec::report::assets

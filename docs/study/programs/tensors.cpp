// A tensor is a view of a block of memory: where it begins, sizes and strides.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tensor/tensor.h"

using namespace lrurec;

void show(const char* what, const Tensor& t) {
  fmt::print("{:<28} {:<6} strides {:<6} dense: {:<3} {}\n", what, t.shape().str(), t.strides().str(),
             t.is_contiguous() ? "yes" : "no", fmt::join(t.to_vector<float>(), " "));
}

int main() {
  const Tensor a = Tensor::from(std::vector<float>{0, 1, 2, 3, 4, 5}, {2, 3});
  const Tensor t = a.transpose(0, 1);
  Tensor row = a.select(0, 1);
  show("a", a);
  show("t = a.transpose(0, 1)", t);
  show("a.slice(1, 0, 3, 2)", a.slice(1, 0, 3, 2));
  show("row = a.select(0, 1)", row);
  show("row.broadcast_to({2, 3})", row.broadcast_to({2, 3}));
  show("t.contiguous()", t.contiguous());

  row.fill_(9);  // through the view into the block they share
  show("a after row.fill_(9)", a);
  show("t after row.fill_(9)", t);
}

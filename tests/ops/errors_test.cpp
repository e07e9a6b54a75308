// Errors name the operation that was called, not one that it is made of.

#include <functional>
#include <string>
#include <vector>

#include "ops/ops.h"
#include "tests/support/tensors.h"

namespace lrurec::ops {
namespace {

struct NamedError {
  std::string message;
  std::function<void()> call;
};

TEST(Errors, NameTheOperationThatWasCalled) {
  const Tensor ids = Tensor::zeros({2, 3}, DType::i64), f32 = Tensor::zeros({2, 3}, DType::f32),
               f64 = Tensor::zeros({2, 3}, DType::f64), flags = Tensor::zeros({2, 3}, DType::boolean);
  const Tensor five = Tensor::zeros({5}, DType::f32), none;
  const Variable x(f32, true), number(Tensor::scalar(1.0F)), one(Tensor::ones({1})),
      z1(Tensor::ones({1}, DType::c64)), z11(Tensor::ones({1, 1}, DType::c64));
  const Tensor offsets = offsets_of_lengths({2});
  const std::vector<NamedError> errors{
      {"[segment_spread] offsets: f32 [3] must be i64",
       [&] { segment_spread(x, Tensor::zeros({3}, DType::f32)); }},
      {"[segment_spread] offsets: ", [&] { raw::segment_spread(f32, IndexTensor()); }},
      {"[segment_spread] offsets run from 1 to 2",
       [&] {
         raw::segment_spread(f32, Tensor::from(std::vector<std::int64_t>{1, 1, 2}));
       }},
      {"[segment_sum] offsets: ", [&] { raw::segment_sum(f32, IndexTensor()); }},
      {"[min] dtype i64", [&] { raw::min(ids, 0); }},
      {"[argmin] dtype i64", [&] { raw::argmin(ids, 0); }},
      {"[max] dtype i64", [&] { raw::max(ids, 0); }},
      {"[rfft] x: [] must have a last dimension", [&] { rfft(Variable(Tensor::scalar(1.0))); }},
      {"[shift] dtype i64", [&] { shift(Variable(ids), offsets); }},
      {"[lru] x: f32 [] must be", [&] { lru(number, z1, z11, z1, z11, one, offsets); }},
      {"[gru] g: f32 [], U: ", [&] { gru_composed(number, x, one, offsets); }},
      {"[softmax] dimension 5", [&] { softmax(x, 5); }},
      {"[log_softmax] dimension 5", [&] { log_softmax(x, 5); }},
      {"[log_softmax] dimension 5", [&] { raw::log_softmax(f32, 5); }},
      {"[stack] f32 [2, 3] and f64 [2, 3] differ",
       [&] {
         raw::stack({f32, f64}, 0);
       }},
      {"[stack] dimension 4",
       [&] {
         raw::stack({f32, f32}, 4);
       }},
      {"[concat] ",
       [&] {
         raw::concat({f32, f64}, 0);
       }},
      {"[var] dtype i64", [&] { raw::var(ids); }},
      {"[mean] dtype i64", [&] { raw::mean(ids); }},
      {"[norm] dtype i64", [&] { raw::norm(ids); }},
      {"[norm] dtype bool", [&] { norm(Variable(flags)); }},
      {"[fft] dtype i64", [&] { raw::fft(ids); }},
      {"[ifft] dtype i64", [&] { raw::ifft(ids); }},
      {"[rfft] dtype i64", [&] { raw::rfft(ids); }},
      {"[reshape] shape [5] has 5 elements, shape [2, -1] ",
       [&] {
         five.reshape({2, -1});
       }},
      {"[reshape] shape [-1, -5] has a negative size",
       [&] {
         five.reshape({-1, -5});
       }},
      {"[greater] ", [&] { raw::greater(f32, five); }},
      {"[greater_equal] ", [&] { raw::greater_equal(f32.to(DType::c64), f32); }},
      {"[less] ", [&] { raw::less(f32, five); }},
      {"[masked_fill] the mask must be boolean, not f32", [&] { raw::masked_fill(f32, f32, 0); }},
      {"[masked_fill] the tensor is undefined", [&] { raw::masked_fill(f32, none, 0); }},
      {"[where] the tensor is undefined", [&] { raw::where(none, f32, f32); }},
      {"[exp] the tensor is undefined", [&] { raw::exp(none); }},
      {"[add] the tensor is undefined", [&] { raw::add(f32, none); }},
      {"[pow] the tensor is undefined", [&] { raw::pow(none, f32); }},
      {"[sum] the tensor is undefined", [&] { raw::sum(none); }},
      {"[mean] the tensor is undefined", [&] { raw::mean(none); }},
      {"[var] the tensor is undefined", [&] { raw::var(none); }},
      {"[norm] the tensor is undefined", [&] { raw::norm(none); }},
      {"[logsumexp] the tensor is undefined", [&] { raw::logsumexp(none); }},
      {"[softmax] the tensor is undefined", [&] { raw::softmax(none); }},
      {"[log_softmax] the tensor is undefined", [&] { raw::log_softmax(none); }},
      {"[argmin] the tensor is undefined", [&] { raw::argmin(none, 0); }},
      {"[clamp] the tensor is undefined", [&] { raw::clamp(none, 0, 1); }},
      {"[segment_sum] offsets: undefined must be i64", [&] { raw::segment_sum(f32, IndexTensor()); }},
  };
  for (const auto& [message, call] : errors) test::expect_error(ErrorKind::internal, message, call);
}

}  // namespace
}  // namespace lrurec::ops

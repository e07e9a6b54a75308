// Exercise 8: Algorithm 1, the scan in log2(L) rounds.
//
//   h_t = lambda h_{t-1} + x_t,   h before the first row: 0
//
// The paper's pseudo-code for one sequence and one channel, where x is multiplied by B already:
//
//   L_log2 = ceil(log2(len(x)))
//   h  = x, padded by zeros in front to 2 ** L_log2 rows
//   La = [lambda]
//   for i in range(1, L_log2 + 1):
//       l = 2 ** i                                # length of subsequences
//       h = h.reshape(-1, l)                      # one a row, all of them at once
//       h1, h2 = h[:, :l//2], h[:, l//2:]
//       if i > 1:                                 # [La, La^2, ..., La^(l/2)]
//           La = cat(La, La * La[-1])
//       h2 = h2 + La * h1[:, -1:]                 # every row of h2 gets the last row of h1
//       h = cat(h1, h2, axis=1)
//
// Return h after every round, without the padding: ceil(log2 L) rounds of L rows, none for one row. Within a
// round no row may wait for another, which is what makes it parallel. A round costs a multiply-add for each
// row of h2, (L / 2) log2(L) in all of L = 2, 4, 8, ...; they are counted.
//
// Check it: tools/study.sh check 8

#include "exercise.h"

namespace study {

std::vector<std::vector<Complex>> rounds(Complex lambda, std::span<const Complex> x) {
  std::vector<std::vector<Complex>> result;
  std::vector<Complex> h(x.begin(), x.end());
  // YOUR CODE: pad h in front, then for each round join all halves and keep h, without the padding
  return result;
}

}  // namespace study

#pragma once
// "Did you mean ...?"

#include <string>
#include <string_view>
#include <vector>

namespace lrurec::util {

/// Number of insertions, deletions, substitutions and swaps of neighbours that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// "; did you mean 'epochs'?" for the known word nearest to `word`, or "" when none is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);
/// The same, and all known words: "; did you mean 'mf'? There are fism, mf", or "; there are fism, mf".
std::string choices(std::string_view word, const std::vector<std::string>& known);

}  // namespace lrurec::util

#include "lrurec/util/suggest.h"

#include <algorithm>
#include <cctype>

namespace lrurec::util {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows of the optimal string alignment table: two before, one before, current.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  const auto bare = [](std::string_view text) {
    std::string small(text.substr(std::min(text.find_first_not_of('-'), text.size())));
    for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return small;
  };
  // The distance to a name, or to what follows a separator in it, plus one: "epcohs" is near "max-epochs".
  const auto distance_to = [&](std::string_view name) {
    std::size_t least = edit_distance(bare(word), name);
    for (std::size_t at = name.find_first_of("-_"); at != std::string_view::npos;
         at = name.find_first_of("-_", at + 1)) {
      least = std::min(least, edit_distance(bare(word), name.substr(at + 1)) + 1);
    }
    return least;
  };
  std::string best;
  std::size_t distance = std::max<std::size_t>(2, bare(word).size() / 3) + 1;
  for (const auto& candidate : known) {
    const std::size_t d = distance_to(bare(candidate));
    if (d < distance && d < bare(word).size()) {
      distance = d;
      best = candidate;
    }
  }
  const auto begins = [&](const std::string& candidate) { return bare(candidate).starts_with(bare(word)); };
  if (best.empty() && bare(word).size() >= 2 && std::ranges::count_if(known, begins) == 1) {
    best = *std::ranges::find_if(known, begins);  // "gru" is "gru4rec"
  }
  return best.empty() ? "" : "; did you mean '" + best + "'?";
}

std::string choices(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = suggestion(word, known);
  std::string text = near.empty() ? "; there are " : near + " There are ";
  for (std::size_t i = 0; i < known.size(); ++i) text += (i == 0 ? "" : ", ") + known[i];
  return text;
}

}  // namespace lrurec::util

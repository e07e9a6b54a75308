#pragma once
// Where readers put the rows of a file.

#include <cstdint>
#include <optional>
#include <string>

#include "lrurec/data/fields.h"
#include "lrurec/data/interactions.h"
#include "lrurec/data/line_source.h"

namespace lrurec::data {

class RowSink {
 public:
  /// skip: how many lines that cannot be read are left out.
  explicit RowSink(const LineSource& source, std::int64_t skip = 0) : source_(source), skip_(skip) {}

  /// Calls read(line) for each line that is left and not blank. A line that cannot be read is left out, or is
  /// an error once `skip` of them were.
  template <class Read>
  void each_line(LineSource& source, const Read& read) {
    for (bool more = true; more;) {
      try {
        const auto line = source.next();
        more = line.has_value();
        if (more && !blank(*line)) read(*line);
      } catch (const BadLine& e) {
        if (rows_.skipped == skip_) throw;
        if (rows_.skipped++ == 0) first_skipped_ = e.what();
      }
    }
  }
  /// Either all rows have a time or none has; the same goes for ratings. More than 2^31 rows are
  /// ErrorKind::data.
  void add(std::string_view user, std::string_view item, std::optional<Time> time,
           std::optional<double> rating);
  /// What all added rows meet, and how many others there were.
  void only(std::vector<std::string> where, std::int64_t unlike) {
    rows_.where = std::move(where);
    rows_.unlike = unlike;
  }
  void remark(std::string text) { rows_.remarks.push_back(std::move(text)); }
  /// The rows, with the texts of their ids and what is to be said of them. No row is ErrorKind::data.
  Interactions finish();

 private:
  void remark_on_blanks();

  const LineSource& source_;
  std::int64_t skip_;
  std::string first_skipped_;
  Interactions rows_;
  Interner users_, items_;
};

/// Reviews as JSON lines (amazon_json), or as Python dictionaries or JSON lines (steam).
void read_amazon_json(LineSource& source, RowSink& rows, bool with_rating);
void read_steam(LineSource& source, RowSink& rows);

}  // namespace lrurec::data

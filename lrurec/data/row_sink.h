#pragma once
// Where readers put the rows of a file.

#include <optional>

#include "lrurec/data/interactions.h"
#include "lrurec/data/line_source.h"

namespace lrurec::data {

class RowSink {
 public:
  explicit RowSink(const LineSource& source) : source_(source) {}

  /// Either all rows have a time or none has; the same goes for ratings. More than 2^31 rows are
  /// ErrorKind::data.
  void add(std::string_view user, std::string_view item, std::optional<Time> time,
           std::optional<double> rating);
  /// The rows, with the texts of their ids.
  Interactions finish();

 private:
  const LineSource& source_;
  Interactions rows_;
  Interner users_, items_;
};

/// Reviews as JSON lines (amazon_json), or as Python dictionaries or JSON lines (steam).
void read_amazon_json(LineSource& source, RowSink& rows, bool with_rating);
void read_steam(LineSource& source, RowSink& rows);

}  // namespace lrurec::data

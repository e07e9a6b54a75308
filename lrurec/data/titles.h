#pragma once
// What people call the items of a data set.

#include <filesystem>
#include <string>

#include "lrurec/data/dataset.h"

namespace lrurec::data {

struct TitlesRead {
  std::int64_t found = 0;               ///< items that have a title
  std::string id_column, title_column;  ///< "column 'movieId'", or without a header "first field"
};

/// Gives items of `data` the titles of a file, by raw id. The file is MovieLens's u.item or movies.dat,
/// RecBole's .item, or any text of lines of fields, plain or compressed. The delimiter is whichever of comma,
/// tab, "|" and "::" comes first in the first line. A line that is not UTF-8 is read as Latin-1.
///
/// The first line is a header if it names a column title, movie_title or name (in any case, also with
/// RecBole's ":token_seq") and its id is no item's. The id is then the first of the columns item_id, itemId,
/// movieId, movie_id, parent_asin, asin, item and id that is there, else the first other column. Without a
/// header the first field is the id and the second the title.
///
/// If an item has two titles, the first counts. Items that are not in the data set are skipped.
/// ErrorKind::data with its place: a line of too few fields, a header without a title column, and a file that
/// names no item of the data set.
TitlesRead read_titles(Dataset& data, const std::filesystem::path& path, const std::string& member = {});

}  // namespace lrurec::data

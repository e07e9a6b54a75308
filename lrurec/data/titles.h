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

/// Gives items of `data` the titles of a file, by raw id. The file is MovieLens's
/// u.item or movies.dat, RecBole's .item, or any text of lines of fields; between them stands whichever of
/// comma, tab, "|" and "::" comes first in the first line. Where that line names a column title, name or
/// movie_title (in any case, also with RecBole's ":token_seq") and its id is no item's, it is a header: the
/// id is then the column item_id, itemId, movieId, movie_id, parent_asin, asin, item or id, the first of
/// these that is there, else the first other one. Without a header the first field is the id and the second
/// the title. Plain or compressed; a line that is not UTF-8 is Latin-1. Of two titles of an item the first
/// counts; items that are not in the data set are passed over. A line of too few fields is ErrorKind::data
/// with its place, as is a file that names no item of the data set.
TitlesRead read_titles(Dataset& data, const std::filesystem::path& path, const std::string& member = {});

}  // namespace lrurec::data

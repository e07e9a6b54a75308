#pragma once
// What people call the items of a data set.

#include <filesystem>
#include <string>

#include "lrurec/data/dataset.h"

namespace lrurec::data {

/// Gives items of `data` the titles of a file, by raw id; returns how many have one. The file is MovieLens's
/// u.item or movies.dat, RecBole's .item, or any text of lines of fields (with commas, tabs, "|" or "::"
/// between them): where the first line names a column title, name or movie_title (in any case, also with
/// RecBole's ":token_seq"), that one, and the column item, id, item_id, movieId, asin or parent_asin, else
/// the first; without such a line the first field is the id and the second the title. Plain or compressed,
/// UTF-8 or Latin-1. Of two titles of an item the first counts; items that are not in the data set are passed
/// over. A line of one field is ErrorKind::data with its place, as is a file that names no item of the data
/// set.
std::int64_t read_titles(Dataset& data, const std::filesystem::path& path, const std::string& member = {});

}  // namespace lrurec::data

#pragma once
// Text from outside, made fit to be shown.

#include <string>
#include <string_view>

namespace lrurec::util {

/// Position of the first byte that breaks UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text);

/// UTF-8 of a text in Latin-1 (ISO 8859-1).
std::string from_latin1(std::string_view text);

/// How the ends of lines in a text that is made visible are treated.
enum class LineEnds { keep, escape };

/// The text with all that could command a terminal, or hide in one, written out: control characters (ESC,
/// BEL, DEL, C1) as `\x1b` or `\u009b`, marks that turn the direction of writing as `\u202e`, bytes that are
/// no UTF-8 as `\xff`. With LineEnds::keep line feeds and tabs stay.
std::string visible(std::string_view text, LineEnds ends = LineEnds::escape);

/// visible(), of at most `most` bytes of the text and "..." where there are more.
std::string printable(std::string_view text, std::size_t most = 80);

/// A cell of a CSV file; commas, quotes and line ends are quoted. Text that a spreadsheet would take for a
/// formula (=, +, -, @, a tab or a carriage return first, and not a number) gets an apostrophe before it,
/// which spreadsheets read as "this is text". So does text that begins with an apostrophe: a cell without its
/// first apostrophe is the text again.
std::string csv_cell(std::string_view text);

}  // namespace lrurec::util

# What Doxygen reads in place of a file (docs/Doxyfile). No line is added or lost, so that its warnings name the right one.
#   README.md of a layer   is the page of that folder
#   Markdown               links to headers and layers lead into the reference, others to the files
#   a header               the comment at its top is that of the file
#   elementwise.h          declares the operations that are lines of unary.inc and binary.inc, each with its formulas

BEGIN {
  root = ENVIRON["PWD"] "/"
  layers = "^(tensor|autograd|ops|nn|lrurec)/README.md$"
}

FNR == 1 {
  path = FILENAME
  if (index(path, root) == 1) path = substr(path, length(root) + 1)
  folder = path
  sub(/\/[^\/]*$/, "", folder)
}

# "a/b/../c" -> "a/c"
function plain(p) {
  while (match(p, /[^\/.][^\/]*\/\.\.\//)) p = substr(p, 1, RSTART - 1) substr(p, RSTART + RLENGTH)
  return p
}

# The links of a line of Markdown.
function relinked(line,   done, text, target, at, size) {
  while (match(line, /\[[^][]*\]\([A-Za-z0-9_.\/-]+(#[a-z0-9-]*)?\)/)) {
    at = RSTART
    size = RLENGTH
    text = substr(line, at + 1, size - 2)
    target = text
    sub(/\].*/, "", text)
    sub(/.*\(/, "", target)
    target = plain(folder "/" target)
    # Doxygen takes no code in the text of a reference.
    if (target ~ /\.h$/ || target ~ layers) gsub(/`/, "", text)
    if (target ~ /\.h$/) text = "[" text "](@ref " target ")"
    else if (target ~ layers) text = "[" text "](@ref ./" substr(target, 1, index(target, "/") - 1) ")"
    else text = "<a href=\"../../../" target "\">" text "</a>"
    done = done substr(line, 1, at - 1) text
    line = substr(line, at + size)
  }
  return done line
}

path ~ /\.md$/ {
  if (FNR == 1 && path ~ layers) $0 = "@dir " folder
  if (/^ *```/) fenced = !fenced
  print fenced ? $0 : relinked($0)
  next
}

FNR == 1 && /^#pragma once/ { print "/// @file"; at_top = 1; next }
at_top && !/^\/\// { at_top = 0 }
at_top { sub(/^\/\//, "///") }

# Indented lines after an empty one are shown as they stand: Markdown wants them further in.
/^ *\/\/\/   / && (before ~ /^ *\/\/\/ *$/ || shown) { shown = 1; before = $0; sub(/\/\/\/   /, "///       ") }
!/^ *\/\/\/   / { shown = 0; before = $0 }

path != "ops/elementwise/elementwise.h" { print; next }

/^\/\/\// { comment = comment substr($0, 4); print; next }
/^#define (UNARY|BINARY)\(/ { declaration = $0; sub(/^#define [A-Z]*\([^)]*\) */, "", declaration); print ""; next }
/^#include ".*\.inc"/ {
  inc = $2
  gsub(/"/, "", inc)
  declared = ""
  while ((getline line < inc) > 0) if (line ~ /^(UNARY|BINARY)\(/) declared = declared described(line)
  close(inc)
  print declared
  comment = ""
  next
}
{ comment = ""; print }

# UNARY(name, kinds, values, f, df) ... -> a comment and the declaration.
function described(line,   text, one, n, argument, depth, k, c) {
  text = substr(line, index(line, "(") + 1)
  n = 1
  argument[n] = ""
  for (k = 1; k <= length(text) && depth >= 0; ++k) {
    c = substr(text, k, 1)
    depth += (c == "(") - (c == ")")
    if (depth < 0) break
    if (c == "," && depth == 0) { argument[++n] = ""; continue }
    if (c != " " || argument[n] != "") argument[n] = argument[n] c
  }
  one = declaration
  sub(/NAME/, argument[1], one)
  text = "`y = " argument[4] "`, " (line ~ /^UNARY/ ? "`dy/dx = " argument[5] : "`dy/da = " argument[5] "`, `dy/db = " argument[6]) \
    "`; " (argument[2] == "real" ? "real." : "real and complex.")
  # The first has the comment above it anyway.
  if (declared != "") text = text " " comment
  return "/** " text " */ " one " "
}

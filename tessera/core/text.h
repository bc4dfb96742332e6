// Text for people: near misses, numbers and durations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

// The candidate that `name` was probably meant to be: the fewest edits (insert, delete, replace, swap two neighbours;
// case and
// '-' against '_' are free), at most a third of the name's letters, or one that begins with `name`. Empty when nothing
// is near.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

// ", did you mean 'depth'?" to end a sentence with, or empty.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

// Three significant digits: "950", "3.40 k", "86.6 M", "1.23 G", …, E.
std::string format_count(double count);

// "0.45 s", "12.3 s", "3 min 05 s", "1 h 02 min", "2 d 03 h"; "?" where it is not a finite number.
std::string format_duration(double seconds);

// Characters of a UTF-8 text, not bytes; wide ones count as one.
size_t width_of(std::string_view text);

// Whether `a` comes before `b` where people sort: runs of digits count as numbers, so that "img9" comes before "img10".
bool natural_less(std::string_view a, std::string_view b);

// "a, b, c and 4 more": at most `most` of the items.
std::string list_some(const std::vector<std::string>& items, size_t most = 5);

// A value of a CSV file, in quotes where it needs them.
std::string csv_cell(const std::string& text);

// The parts between separators; as many as there are separators, plus one.
std::vector<std::string> split(std::string_view text, char separator);

}  // namespace tessera

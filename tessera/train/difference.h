// What two runs were told that is not the same, in words.
#pragma once

#include <string>

namespace tessera::train {

enum class Keys { all, common };

// "depth is 12 there and 6 here" for the first key of two JSON objects that differs, of all keys or of those that both
// have; empty where they agree.
std::string difference(const std::string& there, const std::string& here, Keys keys = Keys::all);

}  // namespace tessera::train

// Errors: one exception type, thrown with a sentence that names the file, tensor or option and says what to do.
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace tessera {

// Something in the data, a file or a call is wrong. The command line program prints `what()` on one line and exits
// with 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The user asked for something that cannot be: an unknown option, a value out of range. Exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageError(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tessera

// Checks what a caller or a file may get wrong. The message says the operation, what was expected and what came.
#define TESSERA_CHECK(condition, ...)               \
  do {                                              \
    if (!(condition)) ::tessera::fail(__VA_ARGS__); \
  } while (false)

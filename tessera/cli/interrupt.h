// Ctrl-C and SIGTERM: the first asks the work to stop where nothing is lost, the second ends the program at once.
#pragma once

#include <atomic>

namespace tessera::cli {

// While one lives, the signals set its flag. There is one at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  const std::atomic<bool>& asked() const;
  // As a shell reports a program that the signal ended: 130 for Ctrl-C, 143 for SIGTERM.
  int exit_code() const;
};

}  // namespace tessera::cli

#include "tessera/cli/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace tessera::cli {
namespace {

std::atomic<bool> stop_asked = false;
volatile std::sig_atomic_t first_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch such");

void on_signal(int signal) {
  if (stop_asked.exchange(true)) _exit(128 + signal);
  first_signal = signal;
}

void handle(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  stop_asked = false;
  handle(on_signal);
}

Interrupt::~Interrupt() { handle(SIG_DFL); }

const std::atomic<bool>& Interrupt::asked() const { return stop_asked; }

int Interrupt::exit_code() const { return 128 + first_signal; }

}  // namespace tessera::cli

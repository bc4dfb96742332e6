// tessera COMMAND: finds the command, runs it, and turns whatever it throws into one line and an exit code:
// 0 done, 1 something in the data or the machine is wrong, 2 the command line is.
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>

#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/core/allocator.h"
#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera::cli {
namespace {

constexpr int kBrokenPipe = 128 + SIGPIPE;  // as a shell reports it

void print_overview(const Registry& commands) {
  print("Usage: tessera COMMAND [OPTIONS]\n\nTrains, evaluates and runs Vision Transformers on a CPU.\n\nCommands:\n");
  Table table("ll");
  for (const std::string& name : commands.names()) table.add({"  " + name, commands.at(name).about});
  print("{}\n", table.text());
  print("  tessera COMMAND --help    what a command takes\n  tessera --version         the version\n\n");
  print("Try it, with nothing to download:  tessera train --data shapes --minutes 2\n");
}

int dispatch(Arguments arguments) {
  Registry commands;
  register_all(commands);
  if (arguments.size() > 1 && arguments[0] == "help") arguments = {arguments[1], "--help"};
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    print_overview(commands);
    return 0;
  }
  const std::string& name = arguments[0];
  if (name == "--version") {
    print("tessera {}\n", TESSERA_VERSION);
    return 0;
  }
  if (name.starts_with('-')) {
    fail_usage("unknown option '{}'{}; a command comes first: tessera --help lists them", name,
               did_you_mean(name, {"--help", "--version"}));
  }
  if (!commands.contains(name)) {
    fail_usage("unknown command '{}'{}; tessera --help lists them", name, did_you_mean(name, commands.names()));
  }
  return commands.at(name).run({arguments.begin() + 1, arguments.end()});
}

int run(const Arguments& arguments) {
  try {
    const int code = dispatch(arguments);
    flush();
    return code;
  } catch (const OutputError& error) {
    if (error.code().value() == EPIPE) return kBrokenPipe;
    complain(error.what());
  } catch (const UsageError& error) {
    complain(error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    complain("out of memory; a smaller --batch or a smaller model needs less");
  } catch (const std::exception& error) {
    complain(error.what());
  } catch (...) {
    complain("an unknown error");
  }
  return 1;
}

}  // namespace
}  // namespace tessera::cli

int main(int argc, char** argv) {
  tessera::keep_freed_memory();
  std::signal(SIGPIPE, SIG_IGN);  // a pipe that closes ends a listing quietly, and never a training run
  return tessera::cli::run({argv + 1, argv + argc});
}

// Runs the program that was built, as a user does.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::test {

struct Outcome {
  int code = -1;  // 128 + the signal where one ended it
  std::string out, err;
  // Lines of standard error.
  int64_t complaints() const { return std::count(err.begin(), err.end(), '\n'); }
  bool says(const std::string& text) const { return err.find(text) != std::string::npos; }
};

// Starts it in `folder` with its output in files there; returns its process.
inline pid_t start_tessera(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                           const std::string& out = "stdout", const std::string& err = "stderr") {
  std::vector<std::string> words = {std::string(TESSERA_BINARY_DIR) + "/bin/tessera"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  const bool ready = chdir(folder.c_str()) == 0 &&
                     dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO) >= 0 &&
                     dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO) >= 0;
  if (ready) execv(argv[0], argv.data());
  _exit(127);
}

inline int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline Outcome run_tessera(const std::vector<std::string>& arguments, const std::filesystem::path& folder) {
  Outcome run;
  run.code = wait_for(start_tessera(arguments, folder));
  run.out = read_text(folder / "stdout");
  run.err = read_text(folder / "stderr");
  return run;
}

}  // namespace tessera::test

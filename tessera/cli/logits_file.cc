#include "tessera/cli/logits_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/npy.h"

namespace tessera::cli {

LogitsFile::LogitsFile(const std::filesystem::path& path) : path_(path) {
  std::string name = path.string() + ".XXXXXX";
  const int file = mkstemp(name.data());
  TESSERA_CHECK(file >= 0, "{}: cannot write beside it: {}", path.string(), std::strerror(errno));
  unlink(name.c_str());
  rows_.reset(fdopen(file, "w+b"));
}

void LogitsFile::add(const Tensor& logits) {
  N_ += logits.size(0);
  K_ = logits.size(1);
  TESSERA_CHECK(std::fwrite(logits.raw(), 1, logits.bytes(), rows_.get()) == logits.bytes(),
                "{}: cannot be written: {}", path_.string(), std::strerror(errno));
}

void LogitsFile::finish() {
  TESSERA_CHECK(std::fflush(rows_.get()) == 0, "{}: cannot be written: {}", path_.string(), std::strerror(errno));
  if (N_ == 0) return;
  const MappedFile rows(fmt::format("/proc/self/fd/{}", fileno(rows_.get())));
  formats::write_npy(path_, {formats::FileType::F32, {N_, K_}, rows.bytes(), nullptr});
}

}  // namespace tessera::cli

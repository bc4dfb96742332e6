#include "tessera/data/folder_scan.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/parallel.h"
#include "tessera/core/text.h"
#include "tessera/image/decode.h"
#include "tessera/image/format.h"

namespace tessera::data {
namespace {

namespace fs = std::filesystem;

bool hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::optional<image::Format> sniff_file(const fs::path& path) { return image::sniff(read_file(path, 16)); }

// What is called .gif is a stray, as for torchvision: a drawing or a notice ("image not found") among photographs.
bool is_picture(const fs::directory_entry& entry) {
  std::string extension = entry.path().extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* known : {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"}) {
    if (extension == known) return true;
  }
  if (!entry.is_regular_file()) return false;
  const auto format = sniff_file(entry.path());
  return format && image::can_decode(*format) && *format != image::Format::gif;
}

// Adds what lies in a class folder and below it.
void scan_class(const fs::path& folder, int64_t label, ClassFolders& found) {
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory()) {
      if (hidden(entry->path())) entry.disable_recursion_pending();
    } else if (!hidden(entry->path()) && is_picture(*entry)) {
      found.files.push_back({entry->path().string(), label, {}, {}});
    } else {
      found.strays.push_back(entry->path().string());
    }
  }
}

// Why a file cannot be used, or nothing. `room`: bytes that may still be kept.
std::string examine(PictureFile& file, const FileCheck& how, std::atomic<int64_t>& room) try {
  if (!how.decode) {
    const auto format = sniff_file(file.path);
    if (format && image::can_decode(*format)) return {};
    return fmt::format("{}: {}", file.path,
                       format ? fmt::format("{} pictures cannot be read", to_string(*format)) : "no picture");
  }
  image::Picture picture = image::decode_file(file.path, {.max_pixels = how.max_pixels});
  const int64_t bytes = static_cast<int64_t>(picture.pixels.size());
  if (room.fetch_sub(bytes) >= bytes) {
    file.decoded = std::move(picture);
  } else {
    room.fetch_add(bytes);
  }
  return {};
} catch (const Error& error) {
  return error.what();
}

}  // namespace

ClassFolders scan_classes(const fs::path& folder) try {
  ClassFolders found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory() && !hidden(entry.path())) {
      found.class_names.push_back(entry.path().filename().string());
    } else {
      found.strays.push_back(entry.path().string());
    }
  }
  TESSERA_CHECK(!found.class_names.empty(), "{}: no class folders in it; put the pictures of each class into a folder",
                folder.string());
  std::sort(found.class_names.begin(), found.class_names.end(), natural_less);
  std::vector<std::string> empty;
  for (size_t label = 0; label < found.class_names.size(); ++label) {
    const size_t before = found.files.size();
    scan_class(folder / found.class_names[label], static_cast<int64_t>(label), found);
    if (found.files.size() == before) empty.push_back(found.class_names[label]);
    std::sort(found.files.begin() + static_cast<std::ptrdiff_t>(before), found.files.end(),
              [](const PictureFile& a, const PictureFile& b) { return natural_less(a.path, b.path); });
  }
  TESSERA_CHECK(empty.empty(), "{}: no picture in the class {} {}; add some or remove the folder", folder.string(),
                empty.size() == 1 ? "folder" : "folders", list_some(empty));
  std::sort(found.strays.begin(), found.strays.end(), natural_less);
  return found;
} catch (const fs::filesystem_error& error) {
  fail("{}: {}; check that it may be read", error.path1().string(), error.code().message());
}

void check_files(const std::vector<PictureFile*>& files, const FileCheck& how, const OpenOptions& options) {
  const auto total = static_cast<int64_t>(files.size());
  std::atomic<int64_t> next{0}, done{0}, room{how.keep_bytes};
  std::exception_ptr failure;  // anything but a bad picture
  std::mutex mutex;
  const auto work = [&] {
    try {
      for (int64_t i; (i = next++) < total; ++done) {
        files[static_cast<size_t>(i)]->error = examine(*files[static_cast<size_t>(i)], how, room);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      next = total;
    }
  };
  const int threads = options.threads > 0 ? options.threads : num_threads();
  std::atomic<int> running{threads};
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      work();
      --running;
    });
  }
  while (options.progress && running > 0) {
    options.progress(done, total);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  for (std::thread& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);
  if (options.progress) options.progress(total, total);
}

}  // namespace tessera::data

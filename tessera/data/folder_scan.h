// What lies in a folder of class folders, and whether the files are what their names say.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tessera/data/registry.h"
#include "tessera/image/picture.h"

namespace tessera::data {

struct PictureFile {
  std::string path;
  int64_t label = 0;
  image::Picture decoded;  // kept by check_files() while there is room, else empty
  std::string error;       // why it cannot be used, found by check_files()
};

// Folders `folder`/CLASS/…/FILE. Classes and files are in natural order; hidden files and folders are no part of it.
struct ClassFolders {
  std::vector<std::string> class_names;
  std::vector<PictureFile> files;
  std::vector<std::string> strays;  // paths of files that are no pictures: by their name, and, where that says nothing,
                                    // by their first bytes
};
// An Error where there is no class, or a class has no picture.
ClassFolders scan_classes(const std::filesystem::path& folder);

struct FileCheck {
  bool decode = true;      // or only look at the first bytes
  int64_t max_pixels = 0;  // of a picture that is decoded
  int64_t keep_bytes = 0;  // of decoded pictures that may be kept
};
// Fills in `decoded` and `error`, on several threads.
void check_files(const std::vector<PictureFile*>& files, const FileCheck& how, const OpenOptions& options);

}  // namespace tessera::data

// What a file is, judged by its first bytes and never by its name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace tessera::formats {

enum class FileKind { empty, safetensors, npy, zip, pickle, gzip, html, git_lfs_pointer, unknown };

// `head`: the first 64 bytes or more, or the whole of a shorter file. An npz and a PyTorch file are both zip.
FileKind kind_of(std::span<const std::byte> head);

// Throws an Error that says what `path` is instead and what to do, unless it is a `wanted` or cannot be recognised
// (whoever parses it then says what is wrong).
void expect_kind(const std::filesystem::path& path, std::span<const std::byte> head, FileKind wanted);

// The same for a file in which weights of any format are wanted, and which has none.
[[noreturn]] void refuse_as_weights(const std::filesystem::path& path, FileKind kind);

}  // namespace tessera::formats

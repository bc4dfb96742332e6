// Classifies a picture:  classify model.safetensors cat.jpg
#include <cstdio>
#include <exception>

#include "tessera/infer/classifier.h"

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: classify MODEL PICTURE\n");
    return 2;
  }
  const auto classifier = tessera::infer::Classifier::load(argv[1]);
  const auto result = classifier.classify(std::filesystem::path(argv[2]), /*top=*/3);
  for (const auto& guess : result.top) std::printf("%6.2f %%  %s\n", 100 * guess.probability, guess.name.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}

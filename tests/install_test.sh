#!/bin/sh
# The installed package, used as a stranger would:  install_test.sh SOURCE BUILD
# Installs BUILD into an empty prefix, builds examples/ against nothing else, and runs them.
set -eu
source=$1
build=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cmake --install "$build" --prefix "$folder/prefix" >"$folder/log" || { cat "$folder/log"; exit 1; }
cmake -S "$source/examples" -B "$folder/examples" -DCMAKE_PREFIX_PATH="$folder/prefix" >>"$folder/log" &&
  cmake --build "$folder/examples" --parallel 2 >>"$folder/log" || { cat "$folder/log"; exit 1; }

cd "$folder"
examples/list_models | grep -q '^vit_base_patch16_224 '
examples/define_and_train run picture.png
examples/classify run/model.safetensors picture.png
examples/sentences train questions.safetensors --epochs 1 --depth 1
echo "where will the baker wait ?" | examples/sentences classify questions.safetensors | grep -q '%.*baker'
prefix/bin/tessera predict run/model.safetensors picture.png

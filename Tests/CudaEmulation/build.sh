#!/bin/sh
# Builds the emulation into the folder given: one library under the names by which a loader finds CUDA's and NCCL's.
set -e
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out/objects"
cp "$here/Compiler/KernelPrelude.h" "$here/Compiler/BuiltIns.h" "$out/"
cd "$here"
ls */*.cpp ../NcclEmulation/*.cpp | xargs -P "$(nproc)" -I{} sh -c \
  '${CXX:-g++} -std=c++20 -O3 -g1 -march=native -ffp-contract=fast -fPIC -fvisibility=hidden -fno-strict-aliasing -Wall -Wextra -c "$1" -o "$2/objects/$(echo "$1" | tr /. __).o"' _ {} "$out"
${CXX:-g++} -shared -o "$out/libmoe-emulation.so" -Wl,-soname,libmoe-emulation.so "$out"/objects/*.o -ldl -lpthread
rm -r "$out/objects"
for name in libcuda.so.1 libnvrtc.so.13 libcublasLt.so.13 libnccl.so.2; do
  ln -sf libmoe-emulation.so "$out/$name"
done

#pragma once
#include "../Execution/Kernel.h"

// An emulated "cubin": a magic, the architecture that it is for, the length and the bytes of a shared object.
namespace emulation::image {

struct Header {
    char magic[8];
    uint64_t capability;  // as 90 for sm_90
    uint64_t length;
};

constexpr char Magic[8] = {'M', 'o', 'E', 'e', 'm', 'u', '0', '1'};

/// Whether bytes are an image for a device of a compute capability: of the same major number, and no newer.
bool suits(const void* bytes, int capability);

/// Loads an image into the process; nullptr, with the problem in words, where it is none.
Module* load(const void* bytes, std::string& problem);

/// The kernel of a name; nullptr: the module has none.
const KernelEntry* kernel(const Module& module, const std::string& name);

}

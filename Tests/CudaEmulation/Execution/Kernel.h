#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// What a compiled kernel tells of itself, and its execution.
namespace emulation {

struct Dim3 {
    unsigned x = 1, y = 1, z = 1;
    uint64_t count() const { return static_cast<uint64_t>(x) * y * z; }
};

/// As kernels get it, in two registers.
struct Dim3Value {
    unsigned x, y, z;
};

/// Laid out as the kernel prelude's MoeKernel.
struct KernelEntry {
    void (*run)(void** arguments);
    int parameterCount;
    const size_t* parameterSizes;
    int mostThreads;
};

/// A loaded "cubin".
struct Module {
    void* library = nullptr;
    bool unloaded = false;
    int device = 0;
    char* sharedBegin = nullptr;  // static shared memory of all its kernels
    char* sharedEnd = nullptr;
    char* dynamicShared = nullptr;
    std::vector<unsigned> sharedSizes;      // of the variables in it, the first standing for what is in none
    std::vector<uint16_t> sharedVariables;  // by word: the variable that it belongs to
    uintptr_t imageBegin = 0, imageEnd = 0;
};

struct Function {
    Module* module = nullptr;
    std::string name;
    const KernelEntry* entry = nullptr;
    unsigned dynamicLimit = 48 << 10;
};

struct Launch {
    Function* function = nullptr;
    Dim3 grid, block;
    unsigned dynamicShared = 0;
    std::vector<std::vector<char>> arguments;
};

namespace execution {

constexpr unsigned MostThreads = 1024;
constexpr unsigned SharedLimit = 48 << 10;
constexpr unsigned SharedOptIn = 227 << 10;
constexpr unsigned WarpSize = 32;

/// Runs every thread of every block, on the thread that executes; what it finds wrong becomes the context's error.
void run(const Launch& launch);

}
}

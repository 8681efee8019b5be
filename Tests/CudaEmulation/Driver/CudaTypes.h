#pragma once
#include <cstddef>
#include <cstdint>

// The types and numbers of the CUDA driver's ABI that the product uses, as the vendor's header has them.

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = uint64_t;

enum : CUresult {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NOT_INITIALIZED = 3,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_IMAGE = 200,
    CUDA_ERROR_INVALID_CONTEXT = 201,
    CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
    CUDA_ERROR_INVALID_HANDLE = 400,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
    CUDA_ERROR_MISALIGNED_ADDRESS = 716,
    CUDA_ERROR_LAUNCH_FAILED = 719,
    CUDA_ERROR_NOT_PERMITTED = 800,
    CUDA_ERROR_NOT_SUPPORTED = 801,
    CUDA_ERROR_UNKNOWN = 999,
};

struct CUuuid {
    char bytes[16];
};

namespace emulation {
struct Context;
struct Stream;
struct Event;
struct Module;
struct Function;
}

using CUcontext = emulation::Context*;
using CUstream = emulation::Stream*;
using CUevent = emulation::Event*;
using CUmodule = emulation::Module*;
using CUfunction = emulation::Function*;
using CUmemoryPool = void*;
using CUhostFn = void (*)(void* userData);

#define EXPORT extern "C" __attribute__((visibility("default")))

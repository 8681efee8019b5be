#pragma once
#include "Products.h"
#include "../Streams/Engine.h"
#include <string>

// The objects behind cublasLt's handles, and its numbers, as the vendor's header has them. An algorithm's 64 bytes say which it is and what it needs.

using cublasStatus_t = int;

enum : cublasStatus_t {
    CUBLAS_STATUS_SUCCESS = 0,
    CUBLAS_STATUS_NOT_INITIALIZED = 1,
    CUBLAS_STATUS_ALLOC_FAILED = 3,
    CUBLAS_STATUS_INVALID_VALUE = 7,
    CUBLAS_STATUS_ARCH_MISMATCH = 8,
    CUBLAS_STATUS_MAPPING_ERROR = 11,
    CUBLAS_STATUS_EXECUTION_FAILED = 13,
    CUBLAS_STATUS_INTERNAL_ERROR = 14,
    CUBLAS_STATUS_NOT_SUPPORTED = 15,
    CUBLAS_STATUS_LICENSE_ERROR = 16,
};

namespace emulation::blas {

constexpr int Compute32F = 68, Compute32FPedantic = 69, Compute32FFastTf32 = 77;
constexpr uint64_t KnownAlgorithm = 0x4D6F452D626C6173;

struct Handle {
    Context* context;
};

struct Description {
    int compute, scale;
    int pointerMode = 0, transposeA = 0, transposeB = 0, transposeC = 0, epilogue = 1;
};

struct Preference {
    uint32_t searchMode = 0;
    uint64_t workspace = 0;
    uint32_t reductions = 7;
    uint32_t alignmentA = 256, alignmentB = 256, alignmentC = 256, alignmentD = 256;
};

struct Algorithm {
    uint64_t known;
    int32_t id;
    uint32_t tile;
    uint32_t splits;
    uint32_t reduction;
    uint64_t workspace;
    uint32_t alignment;
    uint32_t unused[7];
};
static_assert(sizeof(Algorithm) == 64, "an algorithm's size is part of the ABI");

struct AlgorithmBytes {
    uint64_t data[8];
};

struct HeuristicResult {
    AlgorithmBytes algo;
    size_t workspaceSize;
    cublasStatus_t state;
    float wavesCount;
    int reserved[4];
};
static_assert(sizeof(HeuristicResult) == 96, "a result's size is part of the ABI");

/// Notes why a call is refused.
cublasStatus_t refused(const std::string& why, cublasStatus_t with = CUBLAS_STATUS_INVALID_VALUE);

}

#define NEEDS(condition)                            \
    if (!(condition)) {                             \
        return CUBLAS_STATUS_INVALID_VALUE;         \
    }

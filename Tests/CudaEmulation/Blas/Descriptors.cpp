#include "Descriptors.h"
#include "../Driver/Calls.h"
#include "../Faults/Faults.h"
#include <cstring>

using namespace emulation;
using namespace emulation::blas;

namespace {

template <typename Value>
bool take(Value& field, const void* from, size_t bytes) {
    if (from == nullptr || bytes != sizeof field) {
        return false;
    }
    std::memcpy(&field, from, bytes);
    return true;
}

cublasStatus_t status(bool good) { return good ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE; }

}

namespace emulation::blas {

cublasStatus_t refused(const std::string& why, cublasStatus_t with) {
    report("product", why);
    return with;
}

}

EXPORT cublasStatus_t cublasLtCreate(Handle** handle) {
    NEEDS(handle != nullptr)
    if (driver::mayCall(__func__, true) != CUDA_SUCCESS) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    *handle = new Handle{driver::currentContext()};
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtDestroy(Handle* handle) {
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT size_t cublasLtGetVersion() { return 130000; }

EXPORT const char* cublasLtGetStatusName(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
        case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
        case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
        case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
        case CUBLAS_STATUS_ARCH_MISMATCH: return "CUBLAS_STATUS_ARCH_MISMATCH";
        case CUBLAS_STATUS_MAPPING_ERROR: return "CUBLAS_STATUS_MAPPING_ERROR";
        case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
        case CUBLAS_STATUS_INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
        case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
        case CUBLAS_STATUS_LICENSE_ERROR: return "CUBLAS_STATUS_LICENSE_ERROR";
        default: return "CUBLAS_STATUS_UNKNOWN";
    }
}

EXPORT cublasStatus_t cublasLtMatmulDescCreate(Description** operation, int computeType, int scaleType) {
    NEEDS(operation != nullptr)
    *operation = new Description{computeType, scaleType};
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulDescDestroy(Description* operation) {
    delete operation;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulDescSetAttribute(Description* operation, int attribute, const void* value, size_t bytes) {
    NEEDS(operation != nullptr)
    switch (attribute) {
        case 0: return status(take(operation->compute, value, bytes));
        case 1: return status(take(operation->scale, value, bytes));
        case 2: return status(take(operation->pointerMode, value, bytes));
        case 3: return status(take(operation->transposeA, value, bytes) && operation->transposeA >= 0 && operation->transposeA <= 1);
        case 4: return status(take(operation->transposeB, value, bytes) && operation->transposeB >= 0 && operation->transposeB <= 1);
        case 5: return status(take(operation->transposeC, value, bytes));
        case 7: return status(take(operation->epilogue, value, bytes));
        default: return refused(text("the attribute %d of a product's description is not emulated", attribute));
    }
}

EXPORT cublasStatus_t cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t columns, int64_t leading) {
    NEEDS(layout != nullptr && leading > 0)
    if (type != static_cast<int>(Type::Float) && type != static_cast<int>(Type::Bfloat16)) {
        return refused(text("the type %d is not emulated", type), CUBLAS_STATUS_NOT_SUPPORTED);
    }
    *layout = new Layout{static_cast<Type>(type), rows, columns, leading};
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutDestroy(Layout* layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutSetAttribute(Layout* layout, int attribute, const void* value, size_t bytes) {
    NEEDS(layout != nullptr)
    switch (attribute) {
        case 1: return status(take(layout->order, value, bytes));
        case 2: return status(take(layout->rows, value, bytes));
        case 3: return status(take(layout->columns, value, bytes));
        case 4: return status(take(layout->leading, value, bytes));
        case 5: return status(take(layout->batches, value, bytes));
        case 6: return status(take(layout->stride, value, bytes));
        default: return refused(text("the attribute %d of a layout is not emulated", attribute));
    }
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceCreate(Preference** preference) {
    NEEDS(preference != nullptr)
    *preference = new Preference;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceDestroy(Preference* preference) {
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* value, size_t bytes) {
    NEEDS(preference != nullptr)
    switch (attribute) {
        case 0: return status(take(preference->searchMode, value, bytes));
        case 1: return status(take(preference->workspace, value, bytes));
        case 3: return status(take(preference->reductions, value, bytes));
        case 5: return status(take(preference->alignmentA, value, bytes));
        case 6: return status(take(preference->alignmentB, value, bytes));
        case 7: return status(take(preference->alignmentC, value, bytes));
        case 8: return status(take(preference->alignmentD, value, bytes));
        default: return refused(text("the attribute %d of a preference is not emulated", attribute));
    }
}

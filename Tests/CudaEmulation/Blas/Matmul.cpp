#include "Descriptors.h"
#include "../Driver/Calls.h"
#include "../Faults/Faults.h"
#include "../Memory/Arena.h"
#include <algorithm>
#include <cstring>

// Which algorithms a product has, and the product itself, which is done when its stream comes to it.

using namespace emulation;
using namespace emulation::blas;

namespace {

/// Whether shapes, types and orders go together; in words why not.
std::string mismatch(const Description& operation, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
    const uint64_t m = operation.transposeA == 0 ? a.rows : a.columns, k = operation.transposeA == 0 ? a.columns : a.rows;
    const uint64_t kOfB = operation.transposeB == 0 ? b.rows : b.columns, n = operation.transposeB == 0 ? b.columns : b.rows;
    if (m == 0 || n == 0 || k == 0) {
        return "an empty matrix";
    }
    if (k != kOfB || d.rows != m || d.columns != n || c.rows != m || c.columns != n) {
        return text("op(A) is %zux%zu, op(B) %zux%zu, C %zux%zu, D %zux%zu", m, k, kOfB, n, c.rows, c.columns, d.rows, d.columns);
    }
    for (const Layout* layout : {&a, &b, &c, &d}) {
        if (layout->leading < static_cast<int64_t>(layout->rows)) {
            return text("a leading dimension of %zd with %zu rows", static_cast<ssize_t>(layout->leading), layout->rows);
        }
        if (layout->batches != d.batches || layout->batches < 1) {
            return text("batches of %d and %d", layout->batches, d.batches);
        }
    }
    return a.type != b.type || c.type != d.type ? "types of A and B, or of C and D, differ" : "";
}

bool supported(const Description& operation, const Layout& a, const Layout& d) {
    const bool column = a.order == 0 && d.order == 0;
    const bool compute = operation.compute == Compute32F || operation.compute == Compute32FPedantic || operation.compute == Compute32FFastTf32;
    const bool tf32IsOfFloats = operation.compute != Compute32FFastTf32 || a.type == Type::Float;
    return column && compute && tf32IsOfFloats && operation.scale == 0 && operation.pointerMode == 0 && operation.transposeC == 0 && operation.epilogue == 1
        && (a.type != Type::Float || d.type == Type::Float);
}

HeuristicResult resultOf(int id, uint32_t splits, uint64_t workspace, uint32_t alignment) {
    const Algorithm algorithm{KnownAlgorithm, id, 20, splits, splits > 1 ? 2u : 0u, workspace, alignment, {}};
    HeuristicResult result{};
    std::memcpy(&result.algo, &algorithm, sizeof algorithm);
    result.workspaceSize = workspace;
    result.state = CUBLAS_STATUS_SUCCESS;
    result.wavesCount = 0.5f;
    return result;
}

/// Leading dimensions, strides and pointers that an algorithm loads by 16 bytes.
uint32_t alignmentOf(const Layout& layout, uint32_t pointer) {
    uint64_t known = pointer;
    for (const uint64_t part : {static_cast<uint64_t>(layout.leading) * layout.elementBytes(),
             layout.batches > 1 ? static_cast<uint64_t>(layout.stride) * layout.elementBytes() : 0}) {
        while (known > 1 && part % known != 0) {
            known /= 2;
        }
    }
    return static_cast<uint32_t>(known);
}

/// Fails the context where a matrix is not inside of memory that lives.
bool inMemory(const char* name, const void* matrix, uint64_t bytes) {
    const std::string why = arena::refusal(reinterpret_cast<uintptr_t>(matrix), bytes, engine::executing().device);
    if (!why.empty()) {
        engine::fail(CUDA_ERROR_ILLEGAL_ADDRESS, "address", text("a product's %s, ", name) + why);
    }
    return why.empty();
}

bool overlap(const char* a, uint64_t aBytes, const char* b, uint64_t bBytes) { return a < b + bBytes && b < a + aBytes; }

void execute(const blas::Product& product, void* workspace, uint64_t workspaceBytes) {
    if (!inMemory("A", product.from, product.a.bytes()) || !inMemory("B", product.times, product.b.bytes())
        || (product.beta != 0 && !inMemory("C", product.plus, product.c.bytes())) || !inMemory("D", product.to, product.d.bytes())
        || !inMemory("workspace", workspace, workspaceBytes)) {
        return;
    }
    if (overlap(product.to, product.d.bytes(), product.from, product.a.bytes()) || overlap(product.to, product.d.bytes(), product.times, product.b.bytes())) {
        engine::fail(CUDA_ERROR_LAUNCH_FAILED, "overlap", "a product's D overlaps A or B");
        return;
    }
    // Whatever was in the workspace is gone.
    std::memset(workspace, arena::Poison, workspaceBytes);
    blas::multiply(product);
}

/// The alignment of a pointer, as far as it matters.
uint32_t alignmentOf(const void* pointer) {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    return address % 16 == 0 ? 16 : address % 8 == 0 ? 8 : address % 4 == 0 ? 4 : address % 2 == 0 ? 2 : 1;
}

}

/// Best first, as cublasLt orders them: for long sums one that splits them, which gives other bits; then one that loads by 16 bytes;
/// then one that takes any alignment.
EXPORT cublasStatus_t cublasLtMatmulAlgoGetHeuristic(Handle* handle, const Description* operation, const Layout* a, const Layout* b, const Layout* c,
    const Layout* d, const Preference* preference, int requested, HeuristicResult* results, int* found) {
    NEEDS(handle != nullptr && operation != nullptr && a != nullptr && b != nullptr && c != nullptr && d != nullptr)
    NEEDS(preference != nullptr && requested > 0 && results != nullptr && found != nullptr)
    *found = 0;
    const std::string wrong = mismatch(*operation, *a, *b, *c, *d);
    if (!wrong.empty()) {
        return refused(wrong);
    }
    if (!supported(*operation, *a, *d)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    const uint32_t alignment = std::min({alignmentOf(*a, preference->alignmentA), alignmentOf(*b, preference->alignmentB),
        alignmentOf(*c, preference->alignmentC), alignmentOf(*d, preference->alignmentD)});
    const uint64_t inner = operation->transposeA == 0 ? a->columns : a->rows;
    const uint32_t element = static_cast<uint32_t>(std::min(a->elementBytes(), d->elementBytes()));
    const uint64_t partial = 2 * d->rows * d->columns * 4;
    if (alignment < element) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    auto offer = [&](const HeuristicResult& result) {
        if (*found < requested) {
            results[(*found)++] = result;
        }
    };
    if (inner >= 512 && (preference->reductions & 2) != 0 && partial <= preference->workspace && alignment >= 16) {
        offer(resultOf(2, 2, partial, 16));
    }
    if (alignment >= 16) {
        offer(resultOf(1, 1, std::min<uint64_t>(preference->workspace, 4096), 16));
    }
    offer(resultOf(0, 1, 0, element));
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const Algorithm* algorithm, int attribute, void* value, size_t bytes, size_t* written) {
    NEEDS(algorithm != nullptr && algorithm->known == KnownAlgorithm)
    // Algorithm, tile, splits, reduction, swizzling, custom option, stages, inner shape, cluster shape.
    const uint32_t values[] = {static_cast<uint32_t>(algorithm->id), algorithm->tile, algorithm->splits, algorithm->reduction, 0, 0, 1, 0, 0};
    NEEDS(attribute >= 0 && attribute < static_cast<int>(std::size(values)))
    // Inner and cluster shapes are 16 bits wide.
    const size_t size = attribute < 7 ? 4 : 2;
    if (written != nullptr) {
        *written = size;
    }
    if (bytes == 0) {
        return written != nullptr ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
    }
    NEEDS(value != nullptr && bytes == size)
    std::memcpy(value, &values[attribute], size);
    return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmul(Handle* handle, const Description* operation, const float* alpha, const void* a, const Layout* aLayout, const void* b,
    const Layout* bLayout, const float* beta, const void* c, const Layout* cLayout, void* d, const Layout* dLayout, const Algorithm* algorithm,
    void* workspace, size_t workspaceBytes, CUstream handleOfStream) {
    NEEDS(handle != nullptr && operation != nullptr && alpha != nullptr && beta != nullptr)
    NEEDS(aLayout != nullptr && bLayout != nullptr && cLayout != nullptr && dLayout != nullptr)
    if (driver::mayCall(__func__, true) != CUDA_SUCCESS) {
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    engine::Guard guard;
    if (driver::currentContext()->error != CUDA_SUCCESS) {
        return CUBLAS_STATUS_EXECUTION_FAILED;
    }
    Stream* stream = driver::streamOf(handleOfStream);
    if (stream == nullptr || handle->context != driver::currentContext()) {
        return refused("a product with a stream or a handle of no or another context");
    }
    const std::string wrong = mismatch(*operation, *aLayout, *bLayout, *cLayout, *dLayout);
    if (!wrong.empty()) {
        return refused(wrong);
    }
    if (!supported(*operation, *aLayout, *dLayout)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    uint32_t splits = 1;
    uint64_t needed = 0;
    if (algorithm != nullptr) {
        NEEDS(algorithm->known == KnownAlgorithm)
        splits = algorithm->splits;
        needed = algorithm->workspace;
        const uint32_t pointers = std::min({alignmentOf(a), alignmentOf(b), alignmentOf(d), *beta == 0 ? 16u : alignmentOf(c)});
        const uint32_t layouts = std::min({alignmentOf(*aLayout, 16), alignmentOf(*bLayout, 16), alignmentOf(*dLayout, 16)});
        if (std::min(pointers, layouts) < algorithm->alignment) {
            return refused(text("an algorithm that wants pointers and leading dimensions aligned to %u bytes got %u", algorithm->alignment,
                std::min(pointers, layouts)));
        }
    }
    if (needed > workspaceBytes || (needed > 0 && workspace == nullptr)) {
        return refused(text("a workspace of %zu bytes for an algorithm that needs %zu", workspaceBytes, static_cast<size_t>(needed)));
    }
    const Product product{*aLayout, *bLayout, *cLayout, *dLayout, operation->transposeA == 1, operation->transposeB == 1,
        operation->compute == Compute32FFastTf32, static_cast<int>(splits), *alpha, *beta, static_cast<const char*>(a), static_cast<const char*>(b),
        static_cast<const char*>(c), static_cast<char*>(d)};
    engine::enqueue(*stream, {"product", [product, workspace, needed] { execute(product, workspace, needed); }, {}});
    return CUBLAS_STATUS_SUCCESS;
}

#pragma once
#include <cstdint>

// Matrix products as cublasLt's are defined, in a fixed order: column-major, with leading dimensions, transposes, batches.
namespace emulation::blas {

enum class Type : int { Float = 0, Bfloat16 = 14 };

struct Layout {
    Type type;
    uint64_t rows, columns;
    int64_t leading;
    int batches = 1;
    int64_t stride = 0;
    int order = 0;

    uint64_t elementBytes() const { return type == Type::Float ? 4 : 2; }
    /// From the first element to the end of the last.
    uint64_t bytes() const;
};

struct Product {
    Layout a, b, c, d;
    bool transposeA, transposeB;
    bool roundToTf32;
    int splits;  // of the sums over k
    float alpha, beta;
    const char *from, *times, *plus;
    char* to;
};

void multiply(const Product& product);

}

#include "Products.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace emulation::blas {

namespace {

float fromBits(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

uint32_t toBits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// Ten bits of mantissa, halves away from zero, as the tensor cores' conversion rounds.
float tf32(float value) { return std::isfinite(value) ? fromBits((toBits(value) + 0x1000) & ~0x1FFFu) : value; }

float load(const char* at, Type type) {
    if (type == Type::Float) {
        float value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    uint16_t half;
    std::memcpy(&half, at, sizeof half);
    return fromBits(static_cast<uint32_t>(half) << 16);
}

void store(char* at, Type type, float value) {
    if (type == Type::Float) {
        std::memcpy(at, &value, sizeof value);
        return;
    }
    const uint32_t bits = toBits(value);
    const uint16_t half = std::isnan(value) ? 0x7FFF : static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    std::memcpy(at, &half, sizeof half);
}

/// op(matrix), `rows` by `columns`, column by column without gaps.
std::vector<float> packed(const char* matrix, const Layout& layout, bool transpose, uint64_t rows, uint64_t columns, bool round) {
    std::vector<float> result(rows * columns);
    for (uint64_t j = 0; j < columns; ++j) {
        for (uint64_t i = 0; i < rows; ++i) {
            const uint64_t row = transpose ? j : i, column = transpose ? i : j;
            const float value = load(matrix + (column * static_cast<uint64_t>(layout.leading) + row) * layout.elementBytes(), layout.type);
            result[j * rows + i] = round ? tf32(value) : value;
        }
    }
    return result;
}

/// Adds the products of k from `first` on to one column: each element is a chain of fused multiply-adds in ascending k.
void addColumn(const std::vector<float>& a, const float* __restrict__ b, uint64_t rows, uint64_t first, uint64_t end, float* __restrict__ column) {
    uint64_t k = first;
    // Four at a time, so that the column is loaded and stored less often.
    for (; k + 4 <= end; k += 4) {
        const float* __restrict__ from = a.data() + k * rows;
        const float f0 = b[k], f1 = b[k + 1], f2 = b[k + 2], f3 = b[k + 3];
        for (uint64_t i = 0; i < rows; ++i) {
            const float two = std::fma(from[rows + i], f1, std::fma(from[i], f0, column[i]));
            column[i] = std::fma(from[3 * rows + i], f3, std::fma(from[2 * rows + i], f2, two));
        }
    }
    for (; k < end; ++k) {
        const float* __restrict__ from = a.data() + k * rows;
        for (uint64_t i = 0; i < rows; ++i) {
            column[i] = std::fma(from[i], b[k], column[i]);
        }
    }
}

}

uint64_t Layout::bytes() const {
    if (rows == 0 || columns == 0) {
        return 0;
    }
    const uint64_t one = (columns - 1) * static_cast<uint64_t>(leading) + rows;
    return (static_cast<uint64_t>(batches - 1) * static_cast<uint64_t>(stride) + one) * elementBytes();
}

void multiply(const Product& product) {
    const uint64_t rows = product.d.rows, columns = product.d.columns;
    const uint64_t inner = product.transposeA ? product.a.rows : product.a.columns;
    const uint64_t part = (inner + static_cast<uint64_t>(product.splits) - 1) / static_cast<uint64_t>(product.splits);
    std::vector<float> sums(rows), more(rows);
    for (int batch = 0; batch < product.d.batches; ++batch) {
        auto of = [&](auto* matrix, const Layout& layout) { return matrix + batch * layout.stride * static_cast<int64_t>(layout.elementBytes()); };
        const auto a = packed(of(product.from, product.a), product.a, product.transposeA, rows, inner, product.roundToTf32);
        const auto b = packed(of(product.times, product.b), product.b, product.transposeB, inner, columns, product.roundToTf32);
        for (uint64_t j = 0; j < columns; ++j) {
            sums.assign(rows, 0);
            for (uint64_t first = 0; first < inner; first += part) {
                more.assign(rows, 0);
                addColumn(a, b.data() + j * inner, rows, first, std::min(inner, first + part), more.data());
                for (uint64_t i = 0; i < rows; ++i) {
                    sums[i] = first == 0 ? more[i] : sums[i] + more[i];
                }
            }
            for (uint64_t i = 0; i < rows; ++i) {
                // Where beta is zero C is not read.
                const uint64_t size = product.d.elementBytes(), at = j * static_cast<uint64_t>(product.d.leading) + i;
                const float old = product.beta == 0 ? 0
                    : product.beta * load(of(product.plus, product.c) + (j * static_cast<uint64_t>(product.c.leading) + i) * size, product.c.type);
                store(of(product.to, product.d) + at * size, product.d.type, product.alpha * sums[i] + old);
            }
        }
    }
}

}

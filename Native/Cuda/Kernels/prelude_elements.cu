// What every kernel may use. This text stands before the text of each family of kernels when it is compiled; it includes nothing, so that
// the compiler needs no header.
//
// The rules of all kernels: an output's bits depend on its inputs alone, never on scheduling. Sums over a row are taken by one block in an
// order that follows from the number of columns; sums over tokens are taken in fixed chunks of rows, and the chunks are added in order.

typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

// A number with the range of fp32 and eight bits of mantissa: the upper half of an fp32.
struct bf16
{
    unsigned short bits;
};

// A row-major view of elements (MoEActors.Native.Memory.Matrix): element (i, j) lies at i * stride + j. Which type they have is the kernel's name's.
struct Matrix
{
    float* data;
    i64 stride;
    int rows;
    int columns;
    int transposed;
    int rounded;
};

template <class Number = float>
__device__ __forceinline__ Number* row_of(const Matrix& matrix, i64 row)
{
    return (Number*)matrix.data + row * matrix.stride;
}

__device__ __forceinline__ float widen(float value)
{
    return value;
}

__device__ __forceinline__ float widen(bf16 value)
{
    return __uint_as_float((u32)value.bits << 16);
}

__device__ __forceinline__ void round_to(float* to, float value)
{
    *to = value;
}

// To the nearest, of two the even one; what is no number stays so.
__device__ __forceinline__ void round_to(bf16* to, float value)
{
    u32 bits = __float_as_uint(value);
    to->bits = (unsigned short)(value != value ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ float positive_infinity()
{
    return __int_as_float(0x7f800000);
}

__device__ __forceinline__ float not_a_number()
{
    return __int_as_float(0x7fc00000);
}

__device__ __forceinline__ bool is_nan(float value)
{
    return value != value;
}

// Four neighbouring elements of a row. Where all operands are aligned they are loaded and stored at once, except at the end of a row.
struct alignas(16) Four
{
    float at[4];
};

// All four exist, and the address is a multiple of their size.
struct Whole
{
    __device__ __forceinline__ bool has(int i) const { return true; }
};

// The first `left` exist.
struct Part
{
    int left;

    __device__ __forceinline__ bool has(int i) const { return i < left; }
};

struct alignas(8) FourRounded
{
    bf16 at[4];
};

__device__ __forceinline__ Four load_four(const float* from, Whole part, float fill = 0.0f)
{
    return *(const Four*)from;
}

__device__ __forceinline__ Four load_four(const bf16* from, Whole part, float fill = 0.0f)
{
    FourRounded rounded = *(const FourRounded*)from;
    Four values;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        values.at[i] = widen(rounded.at[i]);
    }

    return values;
}

// Missing elements are `fill`.
template <class Number>
__device__ __forceinline__ Four load_four(const Number* from, Part part, float fill = 0.0f)
{
    Four values;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        values.at[i] = part.has(i) ? widen(from[i]) : fill;
    }

    return values;
}

__device__ __forceinline__ void store_four(float* to, const Four& values, Whole part)
{
    *(Four*)to = values;
}

__device__ __forceinline__ void store_four(bf16* to, const Four& values, Whole part)
{
    FourRounded rounded;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        round_to(rounded.at + i, values.at[i]);
    }

    *(FourRounded*)to = rounded;
}

template <class Number>
__device__ __forceinline__ void store_four(Number* to, const Four& values, Part part)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        if (part.has(i))
        {
            round_to(to + i, values.at[i]);
        }
    }
}

// Stores, or adds to what is there.
template <class Number, class Share>
__device__ __forceinline__ void put_four(Number* to, Four values, bool add, Share part)
{
    if (add)
    {
        Four before = load_four(to, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            values.at[i] = before.at[i] + values.at[i];
        }
    }

    store_four(to, values, part);
}

__device__ __forceinline__ bool aligned(const float* data)
{
    return ((u64)data & 15) == 0;
}

__device__ __forceinline__ bool aligned(const bf16* data)
{
    return ((u64)data & 7) == 0;
}

__device__ __forceinline__ bool aligned(const Matrix& matrix)
{
    return (matrix.rounded ? aligned((const bf16*)matrix.data) : aligned(matrix.data)) && ((matrix.stride & 3) == 0 || matrix.rows == 1);
}

template <class First, class Second, class... Rest>
__device__ __forceinline__ bool aligned(const First& first, const Second& second, const Rest&... rest)
{
    return aligned(first) && aligned(second, rest...);
}

// Runs body(column, part) for every fourth column of a row that one block computes; `wide` says that all operands are aligned. Which thread
// takes which columns, and in which order, depends on neither.
template <class Body>
__device__ __forceinline__ void for_columns(int columns, bool wide, Body body)
{
    i64 column = 4 * (i64)threadIdx.x, step = 4 * (i64)blockDim.x;
    if (wide)
    {
        for (; column + 4 <= columns; column += step)
        {
            body((int)column, Whole{});
        }
    }

    for (; column < columns; column += step)
    {
        body((int)column, Part{(int)(columns - column)});
    }
}

// Runs body(row, column, part) for every fourth element of a matrix that the whole grid computes.
template <class Body>
__device__ __forceinline__ void for_elements(int rows, i64 columns, bool wide, Body body)
{
    i64 first = 4 * ((i64)blockIdx.x * blockDim.x + threadIdx.x), step = 4 * (i64)gridDim.x * blockDim.x;
    for (i64 row = blockIdx.y; row < rows; row += gridDim.y)
    {
        i64 column = first;
        if (wide)
        {
            for (; column + 4 <= columns; column += step)
            {
                body(row, column, Whole{});
            }
        }

        for (; column < columns; column += step)
        {
            body(row, column, Part{(int)min(columns - column, (i64)4)});
        }
    }
}

// The number of a thread in a grid of one dimension.
__device__ __forceinline__ i64 thread_number()
{
    return (i64)blockIdx.x * blockDim.x + threadIdx.x;
}

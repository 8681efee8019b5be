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

// Sums and maxima over a warp and over a block, in one fixed order; every thread gets the result. Blocks are whole warps. Those over a block are
// barriers too: what a thread read before one may be overwritten after it.

__device__ __forceinline__ float warp_sum(float value)
{
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1)
    {
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    }

    return value;
}

__device__ __forceinline__ double warp_sum(double value)
{
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1)
    {
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    }

    return value;
}

__device__ __forceinline__ int warp_sum(int value)
{
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1)
    {
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    }

    return value;
}

// A NaN may be lost; the arithmetic that follows produces it again.
__device__ __forceinline__ float warp_max(float value)
{
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1)
    {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
    }

    return value;
}

// The highest value of a warp and the lowest index that has it. Lanes that found nothing hold -infinity and the index `none`, which is higher than any.
const int none = 0x7fffffff;

template <class Number>
__device__ __forceinline__ void warp_best(Number& value, int& index)
{
#pragma unroll
    for (int distance = 16; distance > 0; distance >>= 1)
    {
        Number otherValue = __shfl_xor_sync(0xffffffffu, value, distance);
        int otherIndex = __shfl_xor_sync(0xffffffffu, index, distance);
        if (otherValue > value || (otherValue == value && otherIndex < index))
        {
            value = otherValue;
            index = otherIndex;
        }
    }
}

template <class Number>
__device__ __forceinline__ Number block_sum(Number value)
{
    __shared__ Number parts[32];
    value = warp_sum(value);
    if (blockDim.x <= 32)
    {
        __syncwarp();
        return value;
    }

    __syncthreads(); // The sum before this one has been read.
    if ((threadIdx.x & 31) == 0)
    {
        parts[threadIdx.x >> 5] = value;
    }

    __syncthreads();
    Number sum = 0;
    for (int i = 0; i < (int)(blockDim.x >> 5); i++)
    {
        sum += parts[i];
    }

    return sum;
}

// sum(a * b) of a row, by the whole block.
__device__ __forceinline__ float row_dot(const float* a, const float* b, int columns)
{
    float sum = 0.0f;
    for_columns(columns, aligned(a, b), [&](int column, auto part)
    {
        Four first = load_four(a + column, part), second = load_four(b + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            sum = fmaf(first.at[i], second.at[i], sum);
        }
    });

    return block_sum(sum);
}

__device__ __forceinline__ float block_max(float value)
{
    __shared__ float parts[32];
    value = warp_max(value);
    if (blockDim.x <= 32)
    {
        __syncwarp();
        return value;
    }

    __syncthreads();
    if ((threadIdx.x & 31) == 0)
    {
        parts[threadIdx.x >> 5] = value;
    }

    __syncthreads();
    float largest = parts[0];
    for (int i = 1; i < (int)(blockDim.x >> 5); i++)
    {
        largest = fmaxf(largest, parts[i]);
    }

    return largest;
}

// Sums over tokens. A block of 256 threads takes 32 columns of one chunk of rows: thread (stripe, lane) adds every eighth row of the chunk,
// and the eight stripes are added in order. The sums of the chunks are added to the destination by add_chunks (sums.cu).
#define TOKEN_CHUNK 128
#define TOKEN_STRIPES 8

// term(row, column, sum) returns the sum and the row's term.
template <class Term>
__device__ __forceinline__ void sum_chunk(int rows, int columns, float* chunks, Term term)
{
    __shared__ float stripes[TOKEN_STRIPES][32];
    int lane = threadIdx.x & 31, stripe = threadIdx.x >> 5;
    int column = blockIdx.y * 32 + lane;
    i64 first = (i64)blockIdx.x * TOKEN_CHUNK, last = min(first + TOKEN_CHUNK, (i64)rows);
    float sum = 0.0f;
    if (column < columns)
    {
        for (i64 row = first + stripe; row < last; row += TOKEN_STRIPES)
        {
            sum = term((int)row, column, sum);
        }
    }

    stripes[stripe][lane] = sum;
    __syncthreads();
    if (stripe == 0 && column < columns)
    {
        for (int i = 1; i < TOKEN_STRIPES; i++)
        {
            sum += stripes[i][lane];
        }

        chunks[(i64)blockIdx.x * columns + column] = sum;
    }
}

// Elementary functions.

__device__ __forceinline__ float sigmoid_of(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

#define DENSITY_AT_ZERO 0.398942280f

// The standard normal distribution and the bell exp(-x*x/2), by the formula of the CPU's kernels: the tail is the bell times Mills' ratio,
// u * P(u) with u = 1 / (1 + 0.35 |x|), so that it keeps its relative accuracy far out.
__device__ __forceinline__ float normal_cumulative(float x, float* bell)
{
    float t = is_nan(x) ? x : fminf(fabsf(x), 15.0f);
    float square = t * t;
    float lost = fmaf(t, t, -square);
    float e = expf(square * -0.5f);
    e = fmaf(e, lost * -0.5f, e);
    *bell = e;

    float u = 1.0f / fmaf(t, 0.35f, 1.0f);
    float p = -0.0291637902f;
    p = fmaf(p, u, 0.144060161f);
    p = fmaf(p, u, -0.255900583f);
    p = fmaf(p, u, 0.159391509f);
    p = fmaf(p, u, -0.0232629165f);
    p = fmaf(p, u, 0.105574435f);
    p = fmaf(p, u, 0.119815585f);
    p = fmaf(p, u, 0.139864325f);
    p = fmaf(p, u, 0.139621259f);
    float tail = e * (p * u);
    return x > 0.0f ? 1.0f - tail : tail;
}

// Random numbers as functions of (key, counter): MoEActors.Native.Operations.CounterRandom, bit for bit.

#define GOLDEN 0x9E3779B97F4A7C15ull

__device__ __forceinline__ u64 mix(u64 value)
{
    value += GOLDEN;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
    return value ^ (value >> 31);
}

__device__ __forceinline__ u64 random_bits(u64 key, u64 counter)
{
    return mix(key + counter * GOLDEN);
}

// Uniform in [0, 1) with 53 bits.
__device__ __forceinline__ double random_uniform(u64 key, u64 counter)
{
    return (double)(random_bits(key, counter) >> 11) * (1.0 / 9007199254740992.0);
}

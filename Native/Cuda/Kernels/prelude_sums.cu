// What every kernel may use, behind prelude_elements.cu: sums and maxima over threads and tokens, elementary functions, random numbers.

// Sums and maxima over a warp and over a block, in one fixed order; every thread gets the result. Blocks are whole warps. Those over a block are
// barriers too: what a thread read before one may be overwritten after it.

template <class Number>
__device__ __forceinline__ Number warp_sum(Number value)
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

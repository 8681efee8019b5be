// Causal grouped-query attention without the matrix of scores: tiles of queries meet tiles of keys in shared memory, softmax is taken online
// (Dao et al., FlashAttention, arXiv 2205.14135), and the gradient computes probabilities again from the logarithm of each row's denominator.
//
// A block has 256 threads, 16 x 16. In a product of two tiles a thread owns R rows, R * y and following, by the columns x + 16 * j. Tiles lie
// row-major, four floats longer than a row, so that 16-byte reads of 16 threads meet different banks. All sums are in a fixed order: keys ascending in
// the forward pass and for dQ, heads of a group and then queries ascending for dK and dV.

#define THREADS 256

extern __shared__ float shared[];

struct AttentionParameters
{
    Matrix queries;
    Matrix keys;
    Matrix values;
    Matrix output;
    const int* firstKeys;
    float* state;
    int heads;
    int keyValueHeads;
    int headDim;
    int sequenceLength;
    float scale;
};

struct AttentionGradientParameters
{
    Matrix queries;
    Matrix keys;
    Matrix values;
    Matrix output;
    Matrix dOutput;
    Matrix dQueries;
    Matrix dKeys;
    Matrix dValues;
    const int* firstKeys;
    const float* state;
    float* deltas;
    int heads;
    int keyValueHeads;
    int headDim;
    int sequenceLength;
    float scale;
};

// How tiles of TILE rows by WIDTH columns (a head's, rounded up) are divided among the threads.
template <int WIDTH, int TILE>
struct Layout
{
    static const int Rows = TILE / 16;        // rows of a thread
    static const int Columns = WIDTH / 16;    // columns of a thread, in a tile of WIDTH columns ...
    static const int Run = WIDTH < 64 ? WIDTH / 16 : 4; // ... so many of them side by side
    static const int Stride = WIDTH + 4;      // floats from one row of a tile to the next
    static const int Floats = TILE * Stride;  // of a tile
    static const int WeightStride = TILE + 4; // of a tile of probabilities, TILE by TILE
    static const int WeightFloats = TILE * WeightStride;

    // The column c of a thread.
    static __device__ __forceinline__ int column(int c)
    {
        return c / Run * (16 * Run) + (threadIdx.x & 15) * Run + c % Run;
    }

    // The row r of a thread.
    static __device__ __forceinline__ int row(int r)
    {
        return (threadIdx.x >> 4) * Rows + r;
    }
};

// The columns of a head in `count` rows of a matrix, from row `first` on; the rest of the tile is zero.
template <int WIDTH, int TILE>
__device__ __forceinline__ void load_tile(float* tile, const Matrix& matrix, i64 first, int count, int head, int headDim)
{
    const int quads = WIDTH / 4;
    i64 start = (i64)head * headDim;
    if (headDim == WIDTH && aligned(matrix) && (start & 3) == 0)
    {
        for (int i = threadIdx.x; i < TILE * quads; i += THREADS)
        {
            int row = i / quads, column = 4 * (i % quads);
            Four value = row < count ? load_four(row_of(matrix, first + row) + start + column, Whole{}) : Four{};
            store_four(tile + row * Layout<WIDTH, TILE>::Stride + column, value, Whole{});
        }

        return;
    }

    for (int i = threadIdx.x; i < TILE * quads; i += THREADS)
    {
        int row = i / quads, column = 4 * (i % quads);
        int left = row < count ? headDim - column : 0;
        Four value = load_four(row_of(matrix, row < count ? first + row : first) + start + column, Part{left});
        store_four(tile + row * Layout<WIDTH, TILE>::Stride + column, value, Whole{});
    }
}

// products[r][j] = row r of the thread in `a` times the row x + 16 * j of `b`.
template <int WIDTH, int TILE>
__device__ __forceinline__ void multiply_tiles(
    const float* a, const float* b, float (&products)[Layout<WIDTH, TILE>::Rows][Layout<WIDTH, TILE>::Rows])
{
    typedef Layout<WIDTH, TILE> L;
    const float *rowA = a + L::row(0) * L::Stride, *rowB = b + (threadIdx.x & 15) * L::Stride;
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
#pragma unroll
        for (int j = 0; j < L::Rows; j++)
        {
            products[r][j] = 0.0f;
        }
    }

#pragma unroll 4
    for (int d = 0; d < WIDTH; d += 4)
    {
        Four left[L::Rows], right[L::Rows];
#pragma unroll
        for (int r = 0; r < L::Rows; r++)
        {
            left[r] = load_four(rowA + r * L::Stride + d, Whole{});
            right[r] = load_four(rowB + 16 * r * L::Stride + d, Whole{});
        }

#pragma unroll
        for (int i = 0; i < 4; i++)
        {
#pragma unroll
            for (int r = 0; r < L::Rows; r++)
            {
#pragma unroll
                for (int j = 0; j < L::Rows; j++)
                {
                    products[r][j] = fmaf(left[r].at[i], right[j].at[i], products[r][j]);
                }
            }
        }
    }
}

// The weights of the thread's rows, one for each (row, x + 16 * j), to shared memory.
template <int WIDTH, int TILE>
__device__ __forceinline__ void store_weights(float* tile, const float (&weights)[Layout<WIDTH, TILE>::Rows][Layout<WIDTH, TILE>::Rows])
{
    typedef Layout<WIDTH, TILE> L;
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
#pragma unroll
        for (int j = 0; j < L::Rows; j++)
        {
            tile[L::row(r) * L::WeightStride + (threadIdx.x & 15) + 16 * j] = weights[r][j];
        }
    }
}

// sums[r][c] += the weights of the thread's row r times the thread's column c of `tile`.
template <int WIDTH, int TILE>
__device__ __forceinline__ void add_weighted(
    const float* weights, const float* tile, float (&sums)[Layout<WIDTH, TILE>::Rows][Layout<WIDTH, TILE>::Columns])
{
    typedef Layout<WIDTH, TILE> L;
#pragma unroll 1
    for (int k = 0; k < TILE; k += 4)
    {
        Four weight[L::Rows];
#pragma unroll
        for (int r = 0; r < L::Rows; r++)
        {
            weight[r] = load_four(weights + L::row(r) * L::WeightStride + k, Whole{});
        }

#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float value[L::Columns];
#pragma unroll
            for (int c = 0; c < L::Columns; c += L::Run)
            {
                const float* from = tile + (k + i) * L::Stride + L::column(c);
                if (L::Run == 4)
                {
                    Four four = load_four(from, Whole{});
#pragma unroll
                    for (int e = 0; e < L::Run; e++)
                    {
                        value[c + e] = four.at[e];
                    }
                }
                else
                {
#pragma unroll
                    for (int e = 0; e < L::Run; e++)
                    {
                        value[c + e] = from[e];
                    }
                }
            }

#pragma unroll
            for (int r = 0; r < L::Rows; r++)
            {
#pragma unroll
                for (int c = 0; c < L::Columns; c++)
                {
                    sums[r][c] = fmaf(weight[r].at[i], value[c], sums[r][c]);
                }
            }
        }
    }
}

// The thread's elements of a tile, times a factor per row, to a head's columns.
template <int WIDTH, int TILE>
__device__ __forceinline__ void store_tile(
    const Matrix& matrix, i64 first, int count, int head, int headDim, const float (&values)[Layout<WIDTH, TILE>::Rows][Layout<WIDTH, TILE>::Columns],
    const float (&factors)[Layout<WIDTH, TILE>::Rows])
{
    typedef Layout<WIDTH, TILE> L;
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
        if (L::row(r) < count)
        {
            float* to = row_of(matrix, first + L::row(r)) + (i64)head * headDim;
#pragma unroll
            for (int c = 0; c < L::Columns; c++)
            {
                if (L::column(c) < headDim)
                {
                    to[L::column(c)] = values[r][c] * factors[r];
                }
            }
        }
    }
}

// Over the 16 threads that share their rows.
__device__ __forceinline__ float shared_rows_max(float value)
{
#pragma unroll
    for (int distance = 8; distance > 0; distance >>= 1)
    {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
    }

    return value;
}

__device__ __forceinline__ float shared_rows_sum(float value)
{
#pragma unroll
    for (int distance = 8; distance > 0; distance >>= 1)
    {
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    }

    return value;
}

// The first tile of keys that a query of the tile sees: rows from `first` on, `count` of them.
template <int TILE>
__device__ __forceinline__ int first_key_tile(const int* firstKeys, i64 first, int count)
{
    int lowest = 0x7fffffff;
    for (int row = 0; firstKeys && row < count; row++)
    {
        lowest = min(lowest, firstKeys[first + row]);
    }

    return firstKeys ? max(lowest, 0) / TILE * TILE : 0;
}

// A block per sequence and head (x) and tile of queries (y, the longest rows first).
template <int WIDTH, int TILE>
__device__ __forceinline__ void attention_of_tile(const AttentionParameters& p)
{
    typedef Layout<WIDTH, TILE> L;
    float *queries = shared, *other = queries + L::Floats, *weights = other + L::Floats;
    int head = blockIdx.x % p.heads, keyHead = head / (p.heads / p.keyValueHeads), x = threadIdx.x & 15;
    i64 sequence = (i64)(blockIdx.x / p.heads) * p.sequenceLength;
    int query = (gridDim.y - 1 - blockIdx.y) * TILE, count = min(TILE, p.sequenceLength - query);
    load_tile<WIDTH, TILE>(queries, p.queries, sequence + query, count, head, p.headDim);

    float maximum[L::Rows], sum[L::Rows], out[L::Rows][L::Columns] = {};
    int seen[L::Rows];
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
        maximum[r] = -positive_infinity();
        sum[r] = 0.0f;
        seen[r] = p.firstKeys && L::row(r) < count ? p.firstKeys[sequence + query + L::row(r)] : 0;
    }

    for (int key = first_key_tile<TILE>(p.firstKeys, sequence + query, count); key < query + count; key += TILE)
    {
        int keys = min(TILE, p.sequenceLength - key);
        __syncthreads();
        load_tile<WIDTH, TILE>(other, p.keys, sequence + key, keys, keyHead, p.headDim);
        __syncthreads();
        float score[L::Rows][L::Rows];
        multiply_tiles<WIDTH, TILE>(queries, other, score);
#pragma unroll
        for (int r = 0; r < L::Rows; r++)
        {
            float largest = -positive_infinity();
#pragma unroll
            for (int j = 0; j < L::Rows; j++)
            {
                int position = key + x + 16 * j;
                bool visible = position >= seen[r] && position <= query + L::row(r);
                score[r][j] = visible ? p.scale * score[r][j] : -positive_infinity();
                largest = fmaxf(largest, score[r][j]);
            }

            // Before the first key that is seen there is no maximum, and nothing to add.
            largest = fmaxf(maximum[r], shared_rows_max(largest));
            float from = largest == -positive_infinity() ? 0.0f : largest, kept = expf(maximum[r] - from);
            maximum[r] = largest;
            sum[r] *= kept;
#pragma unroll
            for (int j = 0; j < L::Rows; j++)
            {
                score[r][j] = expf(score[r][j] - from);
                sum[r] += score[r][j];
            }

#pragma unroll
            for (int c = 0; c < L::Columns; c++)
            {
                out[r][c] *= kept;
            }
        }

        store_weights<WIDTH, TILE>(weights, score);
        __syncthreads();
        load_tile<WIDTH, TILE>(other, p.values, sequence + key, keys, keyHead, p.headDim);
        __syncthreads();
        add_weighted<WIDTH, TILE>(weights, other, out);
    }

    float factor[L::Rows];
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
        float total = shared_rows_sum(sum[r]);
        factor[r] = 1.0f / total;
        if (x == 0 && L::row(r) < count)
        {
            p.state[(sequence + query + L::row(r)) * p.heads + head] = maximum[r] + logf(total);
        }
    }

    store_tile<WIDTH, TILE>(p.output, sequence + query, count, head, p.headDim, out, factor);
}

// deltas[row, head] = the sum over the head's columns of dOutput * output, which is the sum of dp * p over the keys. A warp per row and head.
extern "C" __global__ void __launch_bounds__(THREADS) attention_deltas(const AttentionGradientParameters p)
{
    i64 pair = (i64)blockIdx.x * (THREADS / 32) + (threadIdx.x >> 5);
    if (pair >= (i64)p.output.rows * p.heads)
    {
        return;
    }

    i64 row = pair / p.heads, start = pair % p.heads * p.headDim;
    const float *output = row_of(p.output, row) + start, *gradient = row_of(p.dOutput, row) + start;
    float sum = 0.0f;
    for (int d = threadIdx.x & 31; d < p.headDim; d += 32)
    {
        sum = fmaf(gradient[d], output[d], sum);
    }

    sum = warp_sum(sum);
    if ((threadIdx.x & 31) == 0)
    {
        p.deltas[pair] = sum;
    }
}

// dQ: a block per sequence and head (x) and tile of queries (y).
template <int WIDTH, int TILE>
__device__ __forceinline__ void query_gradient_of_tile(const AttentionGradientParameters& p)
{
    typedef Layout<WIDTH, TILE> L;
    float *queries = shared, *gradients = queries + L::Floats, *keys = gradients + L::Floats, *values = keys + L::Floats;
    float* weights = values + L::Floats;
    int head = blockIdx.x % p.heads, keyHead = head / (p.heads / p.keyValueHeads), x = threadIdx.x & 15;
    i64 sequence = (i64)(blockIdx.x / p.heads) * p.sequenceLength;
    int query = (gridDim.y - 1 - blockIdx.y) * TILE, count = min(TILE, p.sequenceLength - query);
    load_tile<WIDTH, TILE>(queries, p.queries, sequence + query, count, head, p.headDim);
    load_tile<WIDTH, TILE>(gradients, p.dOutput, sequence + query, count, head, p.headDim);

    float logSum[L::Rows], delta[L::Rows], sums[L::Rows][L::Columns] = {}, one[L::Rows];
    int seen[L::Rows];
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
        bool exists = L::row(r) < count;
        i64 row = sequence + query + L::row(r);
        logSum[r] = exists ? p.state[row * p.heads + head] : 0.0f;
        delta[r] = exists ? p.deltas[row * p.heads + head] : 0.0f;
        seen[r] = exists && p.firstKeys ? p.firstKeys[row] : 0;
        one[r] = 1.0f;
    }

    for (int key = first_key_tile<TILE>(p.firstKeys, sequence + query, count); key < query + count; key += TILE)
    {
        int found = min(TILE, p.sequenceLength - key);
        __syncthreads();
        load_tile<WIDTH, TILE>(keys, p.keys, sequence + key, found, keyHead, p.headDim);
        load_tile<WIDTH, TILE>(values, p.values, sequence + key, found, keyHead, p.headDim);
        __syncthreads();
        float score[L::Rows][L::Rows], slope[L::Rows][L::Rows];
        multiply_tiles<WIDTH, TILE>(queries, keys, score);
        multiply_tiles<WIDTH, TILE>(gradients, values, slope);
#pragma unroll
        for (int r = 0; r < L::Rows; r++)
        {
#pragma unroll
            for (int j = 0; j < L::Rows; j++)
            {
                int position = key + x + 16 * j;
                bool visible = L::row(r) < count && position >= seen[r] && position <= query + L::row(r);
                slope[r][j] = visible ? p.scale * expf(p.scale * score[r][j] - logSum[r]) * (slope[r][j] - delta[r]) : 0.0f;
            }
        }

        store_weights<WIDTH, TILE>(weights, slope);
        __syncthreads();
        add_weighted<WIDTH, TILE>(weights, keys, sums);
    }

    store_tile<WIDTH, TILE>(p.dQueries, sequence + query, count, head, p.headDim, sums, one);
}

// dK and dV: a block per sequence and key head (x) and tile of keys (y). Here the rows of weights are keys and their columns queries.
template <int WIDTH, int TILE>
__device__ __forceinline__ void key_gradient_of_tile(const AttentionGradientParameters& p)
{
    typedef Layout<WIDTH, TILE> L;
    float *keys = shared, *values = keys + L::Floats, *queries = values + L::Floats, *gradients = queries + L::Floats;
    float* weights = gradients + L::Floats;
    int group = p.heads / p.keyValueHeads, keyHead = blockIdx.x % p.keyValueHeads, x = threadIdx.x & 15;
    i64 sequence = (i64)(blockIdx.x / p.keyValueHeads) * p.sequenceLength;
    int key = blockIdx.y * TILE, count = min(TILE, p.sequenceLength - key);
    load_tile<WIDTH, TILE>(keys, p.keys, sequence + key, count, keyHead, p.headDim);
    load_tile<WIDTH, TILE>(values, p.values, sequence + key, count, keyHead, p.headDim);

    float dKeys[L::Rows][L::Columns] = {}, dValues[L::Rows][L::Columns] = {}, one[L::Rows];
#pragma unroll
    for (int r = 0; r < L::Rows; r++)
    {
        one[r] = 1.0f;
    }

    for (int head = keyHead * group; head < (keyHead + 1) * group; head++)
    {
        for (int query = key; query < p.sequenceLength; query += TILE)
        {
            int found = min(TILE, p.sequenceLength - query);
            __syncthreads();
            load_tile<WIDTH, TILE>(queries, p.queries, sequence + query, found, head, p.headDim);
            load_tile<WIDTH, TILE>(gradients, p.dOutput, sequence + query, found, head, p.headDim);
            __syncthreads();
            float score[L::Rows][L::Rows], slope[L::Rows][L::Rows];
            multiply_tiles<WIDTH, TILE>(keys, queries, score);
            multiply_tiles<WIDTH, TILE>(values, gradients, slope);
#pragma unroll
            for (int j = 0; j < L::Rows; j++)
            {
                int place = x + 16 * j;
                bool exists = place < found;
                i64 row = sequence + query + place;
                float logSum = exists ? p.state[row * p.heads + head] : 0.0f, delta = exists ? p.deltas[row * p.heads + head] : 0.0f;
                int seen = exists && p.firstKeys ? p.firstKeys[row] : 0;
#pragma unroll
                for (int r = 0; r < L::Rows; r++)
                {
                    int position = key + L::row(r);
                    bool visible = exists && position >= seen && position <= query + place;
                    score[r][j] = visible ? expf(p.scale * score[r][j] - logSum) : 0.0f;
                    slope[r][j] = visible ? p.scale * score[r][j] * (slope[r][j] - delta) : 0.0f;
                }
            }

            store_weights<WIDTH, TILE>(weights, score);
            __syncthreads();
            add_weighted<WIDTH, TILE>(weights, gradients, dValues);
            __syncthreads();
            store_weights<WIDTH, TILE>(weights, slope);
            __syncthreads();
            add_weighted<WIDTH, TILE>(weights, queries, dKeys);
        }
    }

    store_tile<WIDTH, TILE>(p.dKeys, sequence + key, count, keyHead, p.headDim, dKeys, one);
    store_tile<WIDTH, TILE>(p.dValues, sequence + key, count, keyHead, p.headDim, dValues, one);
}

// Kernels for heads of at most so many columns.

extern "C" __global__ void __launch_bounds__(THREADS) attention_32(const AttentionParameters p)
{
    attention_of_tile<32, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_query_gradient_32(const AttentionGradientParameters p)
{
    query_gradient_of_tile<32, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_key_gradient_32(const AttentionGradientParameters p)
{
    key_gradient_of_tile<32, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_64(const AttentionParameters p)
{
    attention_of_tile<64, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_query_gradient_64(const AttentionGradientParameters p)
{
    query_gradient_of_tile<64, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_key_gradient_64(const AttentionGradientParameters p)
{
    key_gradient_of_tile<64, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_128(const AttentionParameters p)
{
    attention_of_tile<128, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_query_gradient_128(const AttentionGradientParameters p)
{
    query_gradient_of_tile<128, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_key_gradient_128(const AttentionGradientParameters p)
{
    key_gradient_of_tile<128, 64>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_256(const AttentionParameters p)
{
    attention_of_tile<256, 32>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_query_gradient_256(const AttentionGradientParameters p)
{
    query_gradient_of_tile<256, 32>(p);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_key_gradient_256(const AttentionGradientParameters p)
{
    key_gradient_of_tile<256, 32>(p);
}

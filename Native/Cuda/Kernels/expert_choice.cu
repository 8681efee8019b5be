// Experts that choose their tokens: the best rows of each column, and the inverse.

struct TopRowsParameters
{
    Matrix scores;
    const int* valid;
    int* keys;
    int* rows;
    int count;
};

// Below the number of every score.
#define NO_PART ((int)0x80000000)

// A whole number in the order of floats; both zeros are one, and a NaN counts as -infinity.
__device__ __forceinline__ int score_key(float score)
{
    int bits = __float_as_int(is_nan(score) ? -positive_infinity() : score + 0.0f);
    return bits ^ ((bits >> 31) & 0x7fffffff);
}

// How many of a column's keys are at least `least`. Every thread of the block gets it.
__device__ __forceinline__ int count_from(const int* keys, int rows, int least)
{
    int found = 0;
    for (int row = threadIdx.x; row < rows; row += blockDim.x)
    {
        found += keys[row] >= least ? 1 : 0;
    }

    return block_sum(found);
}

// How many threads of the block before this one hold a true flag; `total` gets how many there are in all.
__device__ __forceinline__ int flags_before(bool flag, int* total)
{
    __shared__ int warps[32];
    u32 lanes = __ballot_sync(0xffffffffu, flag);
    __syncthreads();
    if ((threadIdx.x & 31) == 0)
    {
        warps[threadIdx.x >> 5] = __popc(lanes);
    }

    __syncthreads();
    int before = __popc(lanes & ((1u << (threadIdx.x & 31)) - 1u)), all = 0;
    for (int i = 0; i < (int)(blockDim.x >> 5); i++)
    {
        before += i < (int)(threadIdx.x >> 5) ? warps[i] : 0;
        all += warps[i];
    }

    *total = all;
    return before;
}

// The rows of the largest scores of a column, ascending. A block per column: scores become whole numbers, the smallest of the chosen is found by
// halving the range of numbers, always in 32 counts, then rows are taken in order.
extern "C" __global__ void __launch_bounds__(512) top_rows(const TopRowsParameters p)
{
    int column = blockIdx.x, rows = p.scores.rows;
    int* keys = p.keys + (i64)column * rows;
    int* to = p.rows + (i64)column * p.count;
    for (int row = threadIdx.x; row < rows; row += blockDim.x)
    {
        keys[row] = p.valid && p.valid[row] == 0 ? NO_PART : score_key(row_of(p.scores, row)[column]);
    }

    __syncthreads();
    i64 low = (i64)NO_PART + 1, high = 0x7fffffff;
    while (low < high)
    {
        i64 middle = low + (high - low + 1) / 2;
        if (count_from(keys, rows, (int)middle) >= p.count)
        {
            low = middle;
        }
        else
        {
            high = middle - 1;
        }
    }

    int smallest = (int)low;
    int ties = p.count - (smallest == 0x7fffffff ? 0 : count_from(keys, rows, smallest + 1));
    int written = 0;
    for (i64 start = 0; start < rows && written < p.count; start += blockDim.x)
    {
        i64 row = start + threadIdx.x;
        int key = row < rows ? keys[row] : NO_PART, tied, taken;
        int tiesBefore = flags_before(key == smallest, &tied);
        bool take = key > smallest || (key == smallest && tiesBefore < ties);
        int place = written + flags_before(take, &taken);
        if (take && place < p.count)
        {
            to[place] = (int)row;
        }

        ties -= min(ties, tied);
        written += taken;
    }

    for (int place = min(written, p.count) + (int)threadIdx.x; place < p.count; place += blockDim.x)
    {
        to[place] = -1;
    }
}

struct ColumnsOfRowsParameters
{
    const int* rows;
    u32* marks;
    int* choices;
    int columns;
    int count;
    int limit;
    int k;
};

// A mark is a bit for each (row, column); a row has whole words of them.
__device__ __forceinline__ i64 words_of(const ColumnsOfRowsParameters& p)
{
    return (p.columns + 31) / 32;
}

extern "C" __global__ void __launch_bounds__(256) clear_marks(const ColumnsOfRowsParameters p)
{
    i64 i = thread_number();
    if (i < p.limit * words_of(p))
    {
        p.marks[i] = 0;
    }
}

// Marks which columns took a row. No column has a row twice, so that the sum of the bits is their union.
extern "C" __global__ void __launch_bounds__(256) mark_columns(const ColumnsOfRowsParameters p)
{
    i64 i = thread_number();
    if (i < (i64)p.columns * p.count)
    {
        int row = p.rows[i], column = (int)(i / p.count);
        if (row >= 0 && row < p.limit)
        {
            atomicAdd(&p.marks[row * words_of(p) + column / 32], 1u << (column % 32));
        }
    }
}

// For each row the columns that took it, in ascending order, then -1. A thread per row.
extern "C" __global__ void __launch_bounds__(128) columns_of_rows(const ColumnsOfRowsParameters p)
{
    i64 row = thread_number();
    if (row >= p.limit)
    {
        return;
    }

    int* choices = p.choices + row * p.k;
    int place = 0;
    for (i64 word = 0; word < words_of(p); word++)
    {
        u32 marks = p.marks[row * words_of(p) + word];
        while (marks != 0 && place < p.k)
        {
            choices[place++] = (int)word * 32 + __ffs((int)marks) - 1;
            marks &= marks - 1;
        }
    }

    for (; place < p.k; place++)
    {
        choices[place] = -1;
    }
}

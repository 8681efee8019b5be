// Slots: orders of rows, which choices find a place at their expert, and where their rows lie in the permuted buffer. All results are whole numbers
// that follow from the operands alone.

struct OrderParameters
{
    const float* scores;
    u64* keys;
    int* order;
    u64 key;
    int rows;
    int k;
};

// Keys hold what rows are ordered by in the upper half and the row in the lower, so that no two are equal. The best score descending: scores are not
// negative, so their bits are in their order; a NaN comes before all others.
extern "C" __global__ void __launch_bounds__(256) score_keys(const OrderParameters p)
{
    i64 row = thread_number();
    if (row < p.rows)
    {
        float best = 0.0f;
        for (int j = 0; j < p.k; j++)
        {
            float score = p.scores[row * p.k + j];
            best = is_nan(score) || score > best ? score : best;
            if (is_nan(best))
            {
                break;
            }
        }

        u32 bits = is_nan(best) ? 0xffffffffu : __float_as_uint(best);
        p.keys[row] = (u64)~bits << 32 | (u64)row;
    }
}

// A random number ascending.
extern "C" __global__ void __launch_bounds__(256) chance_keys(const OrderParameters p)
{
    i64 row = thread_number();
    if (row < p.rows)
    {
        p.keys[row] = (random_bits(p.key, (u64)row) & 0xffffffff00000000ull) | (u64)row;
    }
}

// A row's place is the number of keys below its own.
extern "C" __global__ void __launch_bounds__(256) order_rows(const OrderParameters p)
{
    __shared__ u64 others[256];
    i64 row = thread_number();
    u64 own = row < p.rows ? p.keys[row] : 0;
    int place = 0;
    for (i64 first = 0; first < p.rows; first += 256)
    {
        int count = (int)min((i64)p.rows - first, (i64)256);
        __syncthreads();
        if ((int)threadIdx.x < count)
        {
            others[threadIdx.x] = p.keys[first + threadIdx.x];
        }

        __syncthreads();
        for (int i = 0; i < count; i++)
        {
            place += others[i] < own ? 1 : 0;
        }
    }

    if (row < p.rows)
    {
        p.order[place] = (int)row;
    }
}

// Choices in the order in which they are served, or in which rows are placed; each has a number among those of its expert. Chunks of choices are
// counted side by side, then what comes before each chunk is added up, then the choices of a chunk are numbered by one warp.
#define SERVED_CHUNK 256

struct ServedParameters
{
    const int* choices;
    const int* order;
    int* kept;
    int* before;
    int* counts;
    const int* segments;
    int* slots;
    int* tokens;
    int rows;
    int k;
    int capacity;
    int experts;
    int chunks;
    int entries;
};

// The index in [rows, k] of the choice that is served as number `served`: first choices before second ones, rows in the given order.
__device__ __forceinline__ i64 served_choice(const ServedParameters& p, i64 served)
{
    i64 place = served % p.rows, j = served / p.rows;
    return (p.order ? (i64)p.order[place] : place) * p.k + j;
}

// Its expert, when slots are assigned.
__device__ __forceinline__ int served_expert(const ServedParameters& p, i64 index)
{
    int expert = p.choices[index];
    return expert < p.experts ? expert : -1;
}

// Its expert, when rows are placed: those that were kept, in the order of their index.
__device__ __forceinline__ int placed_expert(const ServedParameters& p, i64 index)
{
    return p.kept[index] != 0 ? served_expert(p, index) : -1;
}

extern "C" __global__ void __launch_bounds__(256) clear_served(const ServedParameters p)
{
    i64 i = thread_number();
    if (i < (i64)p.chunks * p.experts)
    {
        p.before[i] = 0;
    }

    if (p.counts && i < 3 * (i64)p.experts + 1)
    {
        p.counts[i] = 0;
    }
}

extern "C" __global__ void __launch_bounds__(SERVED_CHUNK) count_served(const ServedParameters p)
{
    i64 served = thread_number();
    if (served < (i64)p.rows * p.k)
    {
        int expert = served_expert(p, served_choice(p, served));
        if (expert >= 0)
        {
            atomicAdd(&p.before[(i64)blockIdx.x * p.experts + expert], 1);
            if (served < p.rows)
            {
                atomicAdd(&p.counts[2 * (i64)p.experts + expert], 1);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(SERVED_CHUNK) count_placed(const ServedParameters p)
{
    i64 index = thread_number();
    if (index < (i64)p.rows * p.k)
    {
        int expert = placed_expert(p, index);
        if (expert >= 0)
        {
            atomicAdd(&p.before[(i64)blockIdx.x * p.experts + expert], 1);
        }
    }
}

// before[chunk, expert] becomes the number of choices of the expert in the chunks before; counts get all, and how many of them are kept.
extern "C" __global__ void __launch_bounds__(128) sum_chunks_before(const ServedParameters p)
{
    i64 expert = thread_number();
    if (expert < p.experts)
    {
        int sum = 0;
        for (i64 chunk = 0; chunk < p.chunks; chunk++)
        {
            int* before = p.before + chunk * p.experts + expert;
            int count = *before;
            *before = sum;
            sum += count;
        }

        if (p.counts)
        {
            p.counts[expert] = min(sum, p.capacity);
            p.counts[p.experts + expert] = sum;
        }
    }
}

// The number of each lane's choice among those of its expert: what came before, and lower lanes. All lanes of a warp take part; -1 is no expert.
__device__ __forceinline__ int number_of_choice(int* before, int expert)
{
    int lower = 0, all = 0, lane = threadIdx.x & 31;
    for (int other = 0; other < 32; other++)
    {
        bool same = __shfl_sync(0xffffffffu, expert, other) == expert;
        lower += same && other < lane ? 1 : 0;
        all += same ? 1 : 0;
    }

    int first = expert >= 0 ? before[expert] : 0;
    __syncwarp();
    if (expert >= 0 && lower == all - 1)
    {
        before[expert] = first + all;
    }

    __syncwarp();
    return first + lower;
}

// kept = 1 where fewer than `capacity` choices of the expert are served before. A warp per chunk.
extern "C" __global__ void __launch_bounds__(32) assign_slots(const ServedParameters p)
{
    i64 all = (i64)p.rows * p.k;
    for (int step = 0; step < SERVED_CHUNK; step += 32)
    {
        i64 served = (i64)blockIdx.x * SERVED_CHUNK + step + threadIdx.x;
        i64 index = served < all ? served_choice(p, served) : 0;
        int expert = served < all ? served_expert(p, index) : -1;
        int number = number_of_choice(p.before + (i64)blockIdx.x * p.experts, expert);
        if (served < all)
        {
            p.kept[index] = expert >= 0 && number < p.capacity ? 1 : 0;
        }
    }
}

// Rows of which at least one choice found a slot.
extern "C" __global__ void __launch_bounds__(256) count_routed(const ServedParameters p)
{
    i64 row = thread_number();
    bool any = false;
    for (int j = 0; row < p.rows && j < p.k; j++)
    {
        any = any || p.kept[row * p.k + j] != 0;
    }

    u32 lanes = __ballot_sync(0xffffffffu, any);
    if ((threadIdx.x & 31) == 0)
    {
        atomicAdd(&p.counts[3 * (i64)p.experts], __popc(lanes));
    }
}

// The rows of the kept choices in the permuted buffer. `segments` holds, for each expert, the number of its first segment, and one more at the end; then
// for each segment, expert by expert, how many choices of the expert lie in its segments before; then the segments' first rows; then their lengths. A
// choice that finds no row gets -1, because a kernel cannot refuse it.
extern "C" __global__ void __launch_bounds__(32) place_rows(const ServedParameters p)
{
    const int *earlier = p.segments + p.experts + 1, *firsts = earlier + p.entries, *lengths = firsts + p.entries;
    i64 all = (i64)p.rows * p.k;
    for (int step = 0; step < SERVED_CHUNK; step += 32)
    {
        i64 index = (i64)blockIdx.x * SERVED_CHUNK + step + threadIdx.x;
        int expert = index < all ? placed_expert(p, index) : -1;
        int number = number_of_choice(p.before + (i64)blockIdx.x * p.experts, expert);
        int slot = -1;
        for (int i = expert >= 0 ? p.segments[expert] : 0; expert >= 0 && i < p.segments[expert + 1]; i++)
        {
            int within = number - earlier[i];
            if (within >= 0 && within < lengths[i])
            {
                slot = firsts[i] + within;
                p.tokens[slot] = (int)(index / p.k);
                break;
            }
        }

        if (index < all)
        {
            p.slots[index] = slot;
        }
    }
}

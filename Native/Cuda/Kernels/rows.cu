// Rows by number: lookup and dispatch, combine, and the gradient of an embedding.

struct GatherRowsParameters
{
    Matrix source;
    const int* rows;
    Matrix destination;
};

// destination[i] = source[rows[i]]. A number that is no row gives a row of NaN, because a kernel cannot refuse it.
template <class Number>
__device__ __forceinline__ void gather_rows_of(const GatherRowsParameters& p)
{
    int from = p.rows[blockIdx.x];
    bool known = from >= 0 && from < p.source.rows;
    const float* source = row_of(p.source, known ? from : 0);
    Number* to = row_of<Number>(p.destination, blockIdx.x);
    for_columns(p.destination.columns, aligned(source, to), [&](int column, auto part)
    {
        Four value;
        if (known)
        {
            value = load_four(source + column, part);
        }
        else
        {
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                value.at[i] = not_a_number();
            }
        }

        store_four(to + column, value, part);
    });
}

extern "C" __global__ void __launch_bounds__(512) gather_rows(const GatherRowsParameters p)
{
    gather_rows_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(512) gather_rows_bf16(const GatherRowsParameters p)
{
    gather_rows_of<bf16>(p);
}

struct CombineRowsParameters
{
    Matrix rows;
    const int* slots;
    const float* weights;
    Matrix y;
    int k;
    int add;
};

// y[t] (+)= the sum over the choices of t of weight * rows[slot], from zero in choice order; a slot of -1 is left out.
template <class Number>
__device__ __forceinline__ void combine_rows_of(const CombineRowsParameters& p)
{
    i64 first = (i64)blockIdx.x * p.k;
    float* y = row_of(p.y, blockIdx.x);
    for_columns(p.y.columns, aligned(p.rows, y), [&](int column, auto part)
    {
        Four sum = {};
        for (i64 choice = first; choice < first + p.k; choice++)
        {
            int slot = p.slots[choice];
            if (slot >= 0 && slot < p.rows.rows)
            {
                float weight = p.weights ? p.weights[choice] : 1.0f;
                Four value = load_four(row_of<Number>(p.rows, slot) + column, part);
#pragma unroll
                for (int i = 0; i < 4; i++)
                {
                    sum.at[i] = fmaf(weight, value.at[i], sum.at[i]);
                }
            }
        }

        put_four(y + column, sum, p.add, part);
    });
}

extern "C" __global__ void __launch_bounds__(512) combine_rows(const CombineRowsParameters p)
{
    combine_rows_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(512) combine_rows_bf16(const CombineRowsParameters p)
{
    combine_rows_of<bf16>(p);
}

struct CombineRowsGradientParameters
{
    Matrix dy;
    Matrix rows;
    const int* slots;
    const float* weights;
    Matrix dRows;
    float* dWeights;
    int k;
};

// For each choice of a row: the gradient of its weight, then the gradient of the row in its slot, in this order, because the second may
// replace what the first reads. A slot belongs to one choice.
template <class Number>
__device__ __forceinline__ void combine_rows_gradient_of(const CombineRowsGradientParameters& p)
{
    const float* dy = row_of(p.dy, blockIdx.x);
    i64 first = (i64)blockIdx.x * p.k;
    for (i64 choice = first; choice < first + p.k; choice++)
    {
        int slot = p.slots[choice];
        if (slot < 0 || slot >= p.rows.rows)
        {
            if (threadIdx.x == 0)
            {
                p.dWeights[choice] = 0.0f;
            }

            continue;
        }

        const Number* row = row_of<Number>(p.rows, slot);
        Number* gradient = row_of<Number>(p.dRows, slot);
        float weight = p.weights[choice], dot = 0.0f;
        for_columns(p.dy.columns, aligned(dy, row, gradient), [&](int column, auto part)
        {
            Four a = load_four(dy + column, part), b = load_four(row + column, part);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                dot = fmaf(a.at[i], b.at[i], dot);
                a.at[i] *= weight;
            }

            store_four(gradient + column, a, part);
        });

        dot = block_sum(dot);
        if (threadIdx.x == 0)
        {
            p.dWeights[choice] = dot;
        }
    }
}

extern "C" __global__ void __launch_bounds__(512) combine_rows_gradient(const CombineRowsGradientParameters p)
{
    combine_rows_gradient_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(512) combine_rows_gradient_bf16(const CombineRowsGradientParameters p)
{
    combine_rows_gradient_of<bf16>(p);
}

struct EmbeddingGradientParameters
{
    const int* ids;
    int* next;
    Matrix dy;
    Matrix tableGradient;
    int count;
};

// For each row the next one with the same id, or `count`; complemented where an earlier row has that id. A warp per row.
extern "C" __global__ void __launch_bounds__(256) link_rows(const EmbeddingGradientParameters p)
{
    int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    if (row >= p.count)
    {
        return;
    }

    int id = p.ids[row], next = p.count;
    bool isFirst = true;
    for (int start = 0; start < row && isFirst; start += 32)
    {
        int other = start + lane;
        isFirst = __ballot_sync(0xffffffffu, other < row && p.ids[other] == id) == 0;
    }

    for (int start = row + 1; start < p.count; start += 32)
    {
        int other = start + lane;
        u32 found = __ballot_sync(0xffffffffu, other < p.count && p.ids[other] == id);
        if (found != 0)
        {
            next = start + __ffs((int)found) - 1;
            break;
        }
    }

    if (lane == 0)
    {
        p.next[row] = isFirst ? next : ~next;
    }
}

// table[id] += the sum of dy over the rows with that id, from zero in row order. The block of the first row with an id adds them all.
extern "C" __global__ void __launch_bounds__(512) embedding_gradient(const EmbeddingGradientParameters p)
{
    int first = blockIdx.x, id = p.ids[first];
    if (p.next[first] < 0 || id < 0 || id >= p.tableGradient.rows)
    {
        return;
    }

    float* to = row_of(p.tableGradient, id);
    for_columns(p.dy.columns, aligned(p.dy, to), [&](int column, auto part)
    {
        Four sum = {};
        for (int row = first; row < p.count;)
        {
            int next = p.next[row];
            Four value = load_four(row_of(p.dy, row) + column, part);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                sum.at[i] += value.at[i];
            }

            row = next < 0 ? ~next : next;
        }

        put_four(to + column, sum, true, part);
    });
}

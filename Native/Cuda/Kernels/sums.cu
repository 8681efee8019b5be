// Sums over tokens: the sums of fixed chunks of rows, and the addition of the chunks in order.

struct ColumnSumsParameters
{
    Matrix y;
    float* chunks;
};

// The column sums of chunks of rows.
template <class Number>
__device__ __forceinline__ void column_sums_of(const ColumnSumsParameters& p)
{
    sum_chunk(p.y.rows, p.y.columns, p.chunks, [&](int row, int column, float sum) { return sum + widen(row_of<Number>(p.y, row)[column]); });
}

extern "C" __global__ void __launch_bounds__(256) column_sums(const ColumnSumsParameters p)
{
    column_sums_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) column_sums_bf16(const ColumnSumsParameters p)
{
    column_sums_of<bf16>(p);
}

struct AddChunksParameters
{
    const float* chunks;
    float* sums;
    int count;
    int columns;
};

// sums[j] += the chunks' sums of column j, from zero in order.
extern "C" __global__ void __launch_bounds__(256) add_chunks(const AddChunksParameters p)
{
    i64 column = thread_number();
    if (column < p.columns)
    {
        float sum = 0.0f;
        for (i64 chunk = 0; chunk < p.count; chunk++)
        {
            sum += p.chunks[chunk * p.columns + column];
        }

        p.sums[column] += sum;
    }
}

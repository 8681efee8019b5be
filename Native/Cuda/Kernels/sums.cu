// Sums over tokens: the sums of fixed chunks of rows, and the addition of the chunks in order.

struct ColumnSumsParameters
{
    Matrix y;
    float* chunks;
};

// The column sums of chunks of rows.
extern "C" __global__ void __launch_bounds__(256) column_sums(const ColumnSumsParameters p)
{
    sum_chunk(p.y.rows, p.y.columns, p.chunks, [&](int row, int column, float sum) { return sum + row_of(p.y, row)[column]; });
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

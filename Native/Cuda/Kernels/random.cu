// Random numbers by counter: row i draws from the stream random_bits(key, i).

struct AddNormalParameters
{
    Matrix x;
    u64 key;
    float deviation;
};

// x[i, j] += deviation * N(0, 1): a pair of numbers (Box-Muller, in double) per two columns.
extern "C" __global__ void __launch_bounds__(256) add_normal(const AddNormalParameters p)
{
    int row = blockIdx.x;
    u64 stream = random_bits(p.key, (u64)row);
    float* x = row_of(p.x, row);
    for (i64 column = 2 * (i64)threadIdx.x; column < p.x.columns; column += 2 * (i64)blockDim.x)
    {
        double radius = sqrt(-2.0 * log(1.0 - random_uniform(stream, (u64)column)));
        double sine, cosine;
        sincos(6.283185307179586476925286766559 * random_uniform(stream, (u64)column + 1), &sine, &cosine);
        x[column] = fmaf(p.deviation, (float)(radius * cosine), x[column]);
        if (column + 1 < p.x.columns)
        {
            x[column + 1] = fmaf(p.deviation, (float)(radius * sine), x[column + 1]);
        }
    }
}

struct MultiplyUniformParameters
{
    Matrix x;
    Matrix y;
    u64 key;
    float spread;
    int add;
};

// y (+)= x * u, u uniform in [1 - spread, 1 + spread].
extern "C" __global__ void __launch_bounds__(256) multiply_uniform(const MultiplyUniformParameters p)
{
    int row = blockIdx.x;
    u64 stream = random_bits(p.key, (u64)row);
    const float* x = row_of(p.x, row);
    float* y = row_of(p.y, row);
    for (i64 column = threadIdx.x; column < p.x.columns; column += blockDim.x)
    {
        // The product is rounded before 1 is added, as on the CPU: a compiler may fuse a product and a sum, but not an fma and a sum.
        double offset = fma((double)p.spread, 2.0 * random_uniform(stream, (u64)column) - 1.0, 0.0);
        float product = x[column] * (float)(1.0 + offset);
        y[column] = p.add ? y[column] + product : product;
    }
}

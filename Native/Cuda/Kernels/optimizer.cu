// The update of parameters, and the sum of squares for the norm of gradients.

struct AdamWParameters
{
    float* parameter;
    const float* gradient;
    float* firstMoment;
    float* secondMoment;
    i64 length;
    float learningRate;
    float beta1;
    float beta2;
    float fresh1;
    float fresh2;
    float correction1;
    float correction2;
    float epsilon;
    float weightDecay;
    float gradientScale;
};

// One AdamW update: fresh = 1 - beta, correction = 1 / (1 - beta^step).
extern "C" __global__ void __launch_bounds__(256) adamw(const AdamWParameters p)
{
    for_elements(1, p.length, aligned(p.parameter, p.gradient, p.firstMoment, p.secondMoment), [&](i64 row, i64 column, auto part)
    {
        Four value = load_four(p.parameter + column, part), gradient = load_four(p.gradient + column, part);
        Four first = load_four(p.firstMoment + column, part), second = load_four(p.secondMoment + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float scaled = gradient.at[i] * p.gradientScale;
            first.at[i] = fmaf(p.beta1, first.at[i], p.fresh1 * scaled);
            second.at[i] = fmaf(p.beta2, second.at[i], p.fresh2 * scaled * scaled);
            float direction = first.at[i] * p.correction1 / (sqrtf(second.at[i] * p.correction2) + p.epsilon);
            direction = fmaf(p.weightDecay, value.at[i], direction);
            value.at[i] = fmaf(-p.learningRate, direction, value.at[i]);
        }

        store_four(p.firstMoment + column, first, part);
        store_four(p.secondMoment + column, second, part);
        store_four(p.parameter + column, value, part);
    });
}

struct SumOfSquaresParameters
{
    const float* x;
    double* chunks;
    double* sum;
    i64 length;
};

// Elements of a chunk; part of the numeric contract.
#define SQUARES_CHUNK 4096

// The sum of squares of each chunk, in double. A block per chunk.
extern "C" __global__ void __launch_bounds__(256) squares_of_chunks(const SumOfSquaresParameters p)
{
    i64 first = (i64)blockIdx.x * SQUARES_CHUNK;
    int count = (int)min(p.length - first, (i64)SQUARES_CHUNK);
    double sum = 0.0;
    for_columns(count, aligned(p.x), [&](int column, auto part)
    {
        Four value = load_four(p.x + first + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            sum = fma((double)value.at[i], (double)value.at[i], sum);
        }
    });

    sum = block_sum(sum);
    if (threadIdx.x == 0)
    {
        p.chunks[blockIdx.x] = sum;
    }
}

// The chunks' sums, added in order: a block loads them, its first thread adds.
extern "C" __global__ void __launch_bounds__(256) sum_of_squares(const SumOfSquaresParameters p)
{
    __shared__ double loaded[256];
    i64 chunks = (p.length + SQUARES_CHUNK - 1) / SQUARES_CHUNK;
    double sum = 0.0;
    for (i64 first = 0; first < chunks; first += 256)
    {
        int count = (int)min(chunks - first, (i64)256);
        __syncthreads();
        if ((int)threadIdx.x < count)
        {
            loaded[threadIdx.x] = p.chunks[first + threadIdx.x];
        }

        __syncthreads();
        if (threadIdx.x == 0)
        {
            for (int i = 0; i < count; i++)
            {
                sum += loaded[i];
            }
        }
    }

    if (threadIdx.x == 0)
    {
        p.sum[0] = sum;
    }
}

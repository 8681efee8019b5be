// Root mean square norm, Euclidean norm and inner products of rows: a block per row.

struct RmsNormParameters
{
    Matrix x;
    const float* weight;
    Matrix y;
    float* inverseRms;
    float epsilon;
};

// y = x * r * weight with r = 1 / sqrt(mean(x * x) + epsilon).
template <class Number>
__device__ __forceinline__ void rms_norm_of(const RmsNormParameters& p)
{
    int row = blockIdx.x, columns = p.x.columns;
    const float* x = row_of(p.x, row);
    Number* y = row_of<Number>(p.y, row);
    float r = 1.0f / sqrtf(row_dot(x, x, columns) / (float)columns + p.epsilon);
    if (threadIdx.x == 0)
    {
        p.inverseRms[row] = r;
    }

    for_columns(columns, aligned(x, p.weight, y), [&](int column, auto part)
    {
        Four value = load_four(x + column, part), weight = load_four(p.weight + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            value.at[i] = value.at[i] * r * weight.at[i];
        }

        store_four(y + column, value, part);
    });
}

extern "C" __global__ void __launch_bounds__(512) rms_norm(const RmsNormParameters p)
{
    rms_norm_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(512) rms_norm_bf16(const RmsNormParameters p)
{
    rms_norm_of<bf16>(p);
}

struct RmsNormInputGradientParameters
{
    Matrix x;
    const float* weight;
    const float* inverseRms;
    Matrix dy;
    Matrix dx;
    int add;
};

// dx (+)= r * (dy * w - x * r * r * mean(dy * w * x)).
extern "C" __global__ void __launch_bounds__(512) rms_norm_input_gradient(const RmsNormInputGradientParameters p)
{
    int row = blockIdx.x, columns = p.x.columns;
    const float *x = row_of(p.x, row), *dy = row_of(p.dy, row);
    float* dx = row_of(p.dx, row);
    float sum = 0.0f;
    for_columns(columns, aligned(x, dy, p.weight), [&](int column, auto part)
    {
        Four value = load_four(x + column, part), gradient = load_four(dy + column, part), weight = load_four(p.weight + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            sum = fmaf(gradient.at[i] * weight.at[i], value.at[i], sum);
        }
    });

    float r = p.inverseRms[row];
    float pull = -r * r * (block_sum(sum) / (float)columns);
    for_columns(columns, aligned(x, dy, p.weight, dx), [&](int column, auto part)
    {
        Four value = load_four(x + column, part), gradient = load_four(dy + column, part), weight = load_four(p.weight + column, part);
        Four result;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            result.at[i] = r * fmaf(value.at[i], pull, gradient.at[i] * weight.at[i]);
        }

        put_four(dx + column, result, p.add, part);
    });
}

struct RmsNormWeightGradientParameters
{
    Matrix x;
    Matrix dy;
    const float* inverseRms;
    float* chunks;
};

// The sums of dy * x * r over chunks of rows.
extern "C" __global__ void __launch_bounds__(256) rms_norm_weight_gradient(const RmsNormWeightGradientParameters p)
{
    sum_chunk(p.x.rows, p.x.columns, p.chunks, [&](int row, int column, float sum)
    {
        return fmaf(row_of(p.dy, row)[column], row_of(p.x, row)[column] * p.inverseRms[row], sum);
    });
}

struct NormalizeRowsParameters
{
    Matrix x;
    Matrix y;
    float* inverseNorms;
    float epsilon;
};

// y = x * r with r = 1 / max(|x|, epsilon).
extern "C" __global__ void __launch_bounds__(512) normalize_rows(const NormalizeRowsParameters p)
{
    int row = blockIdx.x, columns = p.x.columns;
    const float* x = row_of(p.x, row);
    float* y = row_of(p.y, row);
    float norm = sqrtf(row_dot(x, x, columns));
    float r = 1.0f / (is_nan(norm) ? norm : fmaxf(norm, p.epsilon));
    if (threadIdx.x == 0)
    {
        p.inverseNorms[row] = r;
    }

    for_columns(columns, aligned(x, y), [&](int column, auto part)
    {
        Four value = load_four(x + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            value.at[i] *= r;
        }

        store_four(y + column, value, part);
    });
}

struct NormalizeRowsGradientParameters
{
    Matrix y;
    const float* inverseNorms;
    Matrix dy;
    Matrix dx;
    float epsilon;
    int add;
};

// dx (+)= r * (dy - y * sum(dy * y)); where epsilon stood in for the norm it is a constant.
extern "C" __global__ void __launch_bounds__(512) normalize_rows_gradient(const NormalizeRowsGradientParameters p)
{
    int row = blockIdx.x, columns = p.y.columns;
    const float *y = row_of(p.y, row), *dy = row_of(p.dy, row);
    float* dx = row_of(p.dx, row);
    float sum = row_dot(dy, y, columns);
    float r = p.inverseNorms[row];
    float along = r >= 1.0f / p.epsilon ? 0.0f : -sum;
    for_columns(columns, aligned(y, dy, dx), [&](int column, auto part)
    {
        Four value = load_four(y + column, part), gradient = load_four(dy + column, part), result;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            result.at[i] = r * fmaf(value.at[i], along, gradient.at[i]);
        }

        put_four(dx + column, result, p.add, part);
    });
}

struct DotRowsParameters
{
    Matrix a;
    Matrix b;
    float* dots;
};

// dots[i] = sum over j of a[i, j] * b[i, j].
extern "C" __global__ void __launch_bounds__(512) dot_rows(const DotRowsParameters p)
{
    int row = blockIdx.x;
    float sum = row_dot(row_of(p.a, row), row_of(p.b, row), p.a.columns);
    if (threadIdx.x == 0)
    {
        p.dots[row] = sum;
    }
}

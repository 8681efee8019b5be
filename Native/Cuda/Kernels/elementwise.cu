// Sums and products, element by element.

struct AddParameters
{
    const float* x;
    float* y;
    i64 length;
};

// y += x.
extern "C" __global__ void __launch_bounds__(256) add(const AddParameters p)
{
    for_elements(1, p.length, aligned(p.x, p.y), [&](i64 row, i64 column, auto part)
    {
        Four x = load_four(p.x + column, part), y = load_four(p.y + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            y.at[i] += x.at[i];
        }

        store_four(p.y + column, y, part);
    });
}

struct ScaleParameters
{
    Matrix x;
    float factor;
};

// x *= factor.
template <class Number>
__device__ __forceinline__ void scale_of(const ScaleParameters& p)
{
    for_elements(p.x.rows, p.x.columns, aligned(p.x), [&](i64 row, i64 column, auto part)
    {
        Number* at = row_of<Number>(p.x, row) + column;
        Four x = load_four(at, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            x.at[i] *= p.factor;
        }

        store_four(at, x, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) scale(const ScaleParameters p)
{
    scale_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) scale_bf16(const ScaleParameters p)
{
    scale_of<bf16>(p);
}

struct MultiplyParameters
{
    Matrix a;
    Matrix b;
    Matrix y;
};

// y = a * b; any of the three may be the same memory.
template <class Number>
__device__ __forceinline__ void multiply_of(const MultiplyParameters& p)
{
    for_elements(p.y.rows, p.y.columns, aligned(p.a, p.b, p.y), [&](i64 row, i64 column, auto part)
    {
        Four a = load_four(row_of<Number>(p.a, row) + column, part), b = load_four(row_of<Number>(p.b, row) + column, part), y;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            y.at[i] = a.at[i] * b.at[i];
        }

        store_four(row_of<Number>(p.y, row) + column, y, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) multiply(const MultiplyParameters p)
{
    multiply_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) multiply_bf16(const MultiplyParameters p)
{
    multiply_of<bf16>(p);
}

struct AddBiasParameters
{
    Matrix y;
    const float* bias;
};

// y[i, :] += bias.
template <class Number>
__device__ __forceinline__ void add_bias_of(const AddBiasParameters& p)
{
    for_elements(p.y.rows, p.y.columns, aligned(p.y, p.bias), [&](i64 row, i64 column, auto part)
    {
        Four y = load_four(row_of<Number>(p.y, row) + column, part), bias = load_four(p.bias + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            y.at[i] += bias.at[i];
        }

        store_four(row_of<Number>(p.y, row) + column, y, part);
    });
}

extern "C" __global__ void __launch_bounds__(256) add_bias(const AddBiasParameters p)
{
    add_bias_of<float>(p);
}

extern "C" __global__ void __launch_bounds__(256) add_bias_bf16(const AddBiasParameters p)
{
    add_bias_of<bf16>(p);
}

struct ConvertParameters
{
    Matrix source;
    Matrix destination;
};

template <class From, class To>
__device__ __forceinline__ void convert_of(const ConvertParameters& p)
{
    for_elements(p.source.rows, p.source.columns, aligned(p.source, p.destination), [&](i64 row, i64 column, auto part)
    {
        store_four(row_of<To>(p.destination, row) + column, load_four(row_of<From>(p.source, row) + column, part), part);
    });
}

// The source's elements, rounded.
extern "C" __global__ void __launch_bounds__(256) convert_to_bf16(const ConvertParameters p)
{
    convert_of<float, bf16>(p);
}

// The source's elements, widened.
extern "C" __global__ void __launch_bounds__(256) convert_from_bf16(const ConvertParameters p)
{
    convert_of<bf16, float>(p);
}

// The source's elements, between rows that lie apart.
extern "C" __global__ void __launch_bounds__(256) copy_rows(const ConvertParameters p)
{
    convert_of<float, float>(p);
}

extern "C" __global__ void __launch_bounds__(256) copy_rows_bf16(const ConvertParameters p)
{
    convert_of<bf16, bf16>(p);
}

struct MixRowsParameters
{
    Matrix a;
    Matrix b;
    Matrix coefficients;
    Matrix y;
};

// y = c0 * a + c1 * b with two coefficients per row.
extern "C" __global__ void __launch_bounds__(256) mix_rows(const MixRowsParameters p)
{
    for_elements(p.y.rows, p.y.columns, aligned(p.a, p.b, p.y), [&](i64 row, i64 column, auto part)
    {
        const float* c = row_of(p.coefficients, row);
        Four a = load_four(row_of(p.a, row) + column, part), b = load_four(row_of(p.b, row) + column, part), y;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            y.at[i] = fmaf(c[1], b.at[i], c[0] * a.at[i]);
        }

        store_four(row_of(p.y, row) + column, y, part);
    });
}

struct MixRowsGradientParameters
{
    Matrix a;
    Matrix b;
    Matrix coefficients;
    Matrix dy;
    Matrix da;
    Matrix db;
    Matrix dCoefficients;
};

// da = c0 * dy, db = c1 * dy, dc = (dy . a, dy . b). The inner products come first, so da and db may lie in the memory of a and b.
extern "C" __global__ void __launch_bounds__(512) mix_rows_gradient(const MixRowsGradientParameters p)
{
    int row = blockIdx.x, columns = p.dy.columns;
    const float *a = row_of(p.a, row), *b = row_of(p.b, row), *dy = row_of(p.dy, row), *c = row_of(p.coefficients, row);
    float c0 = c[0], c1 = c[1], d0 = 0.0f, d1 = 0.0f;
    for_columns(columns, aligned(dy, a, b), [&](int column, auto part)
    {
        Four gradient = load_four(dy + column, part), first = load_four(a + column, part), second = load_four(b + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            d0 = fmaf(gradient.at[i], first.at[i], d0);
            d1 = fmaf(gradient.at[i], second.at[i], d1);
        }
    });

    d0 = block_sum(d0);
    d1 = block_sum(d1);
    if (threadIdx.x == 0)
    {
        float* dc = row_of(p.dCoefficients, row);
        dc[0] = d0;
        dc[1] = d1;
    }

    float *da = row_of(p.da, row), *db = row_of(p.db, row);
    for_columns(columns, aligned(dy, da, db), [&](int column, auto part)
    {
        Four gradient = load_four(dy + column, part), first, second;
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            first.at[i] = c0 * gradient.at[i];
            second.at[i] = c1 * gradient.at[i];
        }

        store_four(da + column, first, part);
        store_four(db + column, second, part);
    });
}

// Softmax, sigmoid with the logarithm of a row's sum of exponentials, and the loss: a block per row. A NaN makes the whole row NaN.

// The largest element of a row; -infinity of none.
__device__ __forceinline__ float row_max(const float* x, int columns)
{
    float largest = -positive_infinity();
    for_columns(columns, aligned(x), [&](int column, auto part)
    {
        Four value = load_four(x + column, part, -positive_infinity());
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            largest = fmaxf(largest, value.at[i]);
        }
    });

    return block_max(largest);
}

// The sum of exp(x - maximum) over a row. Missing elements become exp(-infinity) = 0.
__device__ __forceinline__ float row_exponentials(const float* x, int columns, float maximum)
{
    float sum = 0.0f;
    for_columns(columns, aligned(x), [&](int column, auto part)
    {
        Four value = load_four(x + column, part, -positive_infinity());
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            sum += expf(value.at[i] - maximum);
        }
    });

    return block_sum(sum);
}

struct SoftmaxParameters
{
    Matrix logits;
    Matrix probabilities;
    float* logSumExp;
};

// Softmax of each row, and the logarithm of its denominator unless that is left out. In place allowed.
extern "C" __global__ void __launch_bounds__(512) softmax(const SoftmaxParameters p)
{
    int row = blockIdx.x, columns = p.logits.columns;
    const float* x = row_of(p.logits, row);
    float* y = row_of(p.probabilities, row);
    float maximum = row_max(x, columns);
    float sum = row_exponentials(x, columns, maximum);
    float factor = 1.0f / sum;
    for_columns(columns, aligned(x, y), [&](int column, auto part)
    {
        Four value = load_four(x + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            value.at[i] = expf(value.at[i] - maximum) * factor;
        }

        store_four(y + column, value, part);
    });

    if (threadIdx.x == 0 && p.logSumExp)
    {
        p.logSumExp[row] = maximum + logf(sum);
    }
}

struct SoftmaxGradientParameters
{
    Matrix probabilities;
    Matrix dProbabilities;
    Matrix dLogits;
};

// dLogits = p * (dp - sum(dp * p)). In place allowed.
extern "C" __global__ void __launch_bounds__(512) softmax_gradient(const SoftmaxGradientParameters p)
{
    int row = blockIdx.x, columns = p.dLogits.columns;
    const float *probability = row_of(p.probabilities, row), *gradient = row_of(p.dProbabilities, row);
    float* dx = row_of(p.dLogits, row);
    float mean = row_dot(gradient, probability, columns);
    for_columns(columns, aligned(gradient, probability, dx), [&](int column, auto part)
    {
        Four a = load_four(gradient + column, part), b = load_four(probability + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            a.at[i] = b.at[i] * (a.at[i] - mean);
        }

        store_four(dx + column, a, part);
    });
}

// Sigmoid of each element, and log(sum(exp)) of each row of logits unless that is left out. In place allowed.
extern "C" __global__ void __launch_bounds__(512) sigmoid(const SoftmaxParameters p)
{
    int row = blockIdx.x, columns = p.logits.columns;
    const float* x = row_of(p.logits, row);
    float* y = row_of(p.probabilities, row);
    if (p.logSumExp)
    {
        float maximum = row_max(x, columns);
        float sum = row_exponentials(x, columns, maximum);
        if (threadIdx.x == 0)
        {
            p.logSumExp[row] = maximum + logf(sum);
        }
    }

    for_columns(columns, aligned(x, y), [&](int column, auto part)
    {
        Four value = load_four(x + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            value.at[i] = sigmoid_of(value.at[i]);
        }

        store_four(y + column, value, part);
    });
}

struct CrossEntropyParameters
{
    Matrix logits;
    Matrix dLogits;
    const int* targets;
    float* losses;
    float scale;
};

// Row losses, and the gradient by the logits unless that matrix is empty. It may lie where the logits lie. A target of -1 is masked; a target
// that is no column makes the row NaN, because a kernel cannot refuse it.
extern "C" __global__ void __launch_bounds__(512) cross_entropy(const CrossEntropyParameters p)
{
    int row = blockIdx.x, columns = p.logits.columns, target = p.targets[row];
    bool wantsGradient = p.dLogits.columns > 0;
    const float* x = row_of(p.logits, row);
    float* dx = row_of(p.dLogits, row);
    if (target < 0)
    {
        if (threadIdx.x == 0)
        {
            p.losses[row] = 0.0f;
        }

        if (wantsGradient)
        {
            for_columns(columns, aligned(dx), [&](int column, auto part) { store_four(dx + column, Four{}, part); });
        }

        return;
    }

    float maximum = row_max(x, columns);
    float distance = target < columns ? x[target] - maximum : not_a_number();
    float sum = row_exponentials(x, columns, maximum); // A barrier: all have read the target's logit before the first gradient is stored.
    if (threadIdx.x == 0)
    {
        p.losses[row] = logf(sum) - distance;
    }

    if (!wantsGradient)
    {
        return;
    }

    float factor = is_nan(distance) ? distance : p.scale / sum;
    for_columns(columns, aligned(x, dx), [&](int column, auto part)
    {
        Four value = load_four(x + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float e = expf(value.at[i] - maximum);
            value.at[i] = column + i == target ? p.scale * (e / sum - 1.0f) : e * factor;
        }

        store_four(dx + column, value, part);
    });
}

struct SumLossesParameters
{
    const float* losses;
    double* sum;
    int count;
};

// The sum of the row losses in double, by one block: every thread adds its losses in order.
extern "C" __global__ void __launch_bounds__(1024) sum_losses(const SumLossesParameters p)
{
    double sum = 0.0;
    for (i64 i = threadIdx.x; i < p.count; i += blockDim.x)
    {
        sum += (double)p.losses[i];
    }

    sum = block_sum(sum);
    if (threadIdx.x == 0)
    {
        p.sum[0] = sum;
    }
}

// What keeps experts equally busy: auxiliary losses, their gradients, and the bias that balances without one. One block computes each; sums are in
// double, a thread's terms in order and then the threads'.

struct ChoiceBalanceParameters
{
    const float* scoreSums;
    const int* counts;
    double* loss;
    double tokens;
    double choices;
    int experts;
};

// loss = the sum over experts of E * (sums[e] / tokens) * (counts[e] / choices).
extern "C" __global__ void __launch_bounds__(256) choice_balance(const ChoiceBalanceParameters p)
{
    double sum = 0.0;
    for (int e = threadIdx.x; e < p.experts; e += blockDim.x)
    {
        sum += p.experts * (p.scoreSums[e] / p.tokens) * (p.counts[e] / p.choices);
    }

    sum = block_sum(sum);
    if (threadIdx.x == 0)
    {
        p.loss[0] = sum;
    }
}

struct ChoiceBalanceGradientParameters
{
    const int* counts;
    float* gradient;
    int experts;
    float tokens;
    float choices;
    float factor;
};

// gradient[e] = factor * E * (counts[e] / choices) / tokens.
extern "C" __global__ void __launch_bounds__(256) choice_balance_gradient(const ChoiceBalanceGradientParameters p)
{
    i64 e = thread_number();
    if (e < p.experts)
    {
        p.gradient[e] = p.factor * (float)p.experts * ((float)p.counts[e] / p.choices) / p.tokens;
    }
}

// The sum of values and of their squares. Every thread of the block gets them.
__device__ __forceinline__ void moments(const float* values, int count, double* sum, double* squares)
{
    double first = 0.0, second = 0.0;
    for (int e = threadIdx.x; e < count; e += blockDim.x)
    {
        first += (double)values[e];
        second += (double)values[e] * (double)values[e];
    }

    *sum = block_sum(first);
    *squares = block_sum(second);
}

// Variance over squared mean; 0 where the sum is not above 0.
__device__ __forceinline__ double squared_variation(const float* values, int count)
{
    double sum, squares;
    moments(values, count, &sum, &squares);
    return sum > 0.0 ? count * squares / (sum * sum) - 1.0 : 0.0;
}

struct LoadImportanceParameters
{
    const float* importance;
    const float* load;
    double* loss;
    int experts;
};

extern "C" __global__ void __launch_bounds__(256) load_importance(const LoadImportanceParameters p)
{
    double sum = squared_variation(p.importance, p.experts) + squared_variation(p.load, p.experts);
    if (threadIdx.x == 0)
    {
        p.loss[0] = 0.5 * sum;
    }
}

struct SquaredVariationGradientParameters
{
    const float* values;
    float* gradient;
    double factor;
    int experts;
};

// gradient[e] = factor * 2 * E / (S * S) * (v[e] - Q / S) with S and Q the sums of v and of v * v.
extern "C" __global__ void __launch_bounds__(256) squared_variation_gradient(const SquaredVariationGradientParameters p)
{
    double sum, squares;
    moments(p.values, p.experts, &sum, &squares);
    for (int e = threadIdx.x; e < p.experts; e += blockDim.x)
    {
        double slope = p.factor * 2.0 * p.experts / (sum * sum) * ((double)p.values[e] - squares / sum);
        p.gradient[e] = sum > 0.0 ? (float)slope : 0.0f;
    }
}

struct SumRowsParameters
{
    const float* x;
    const int* valid;
    double* sum;
    double tokens;
    int rows;
};

// The sum of x * x / tokens over the rows that take part.
extern "C" __global__ void __launch_bounds__(1024) z_loss(const SumRowsParameters p)
{
    double sum = 0.0;
    for (i64 row = threadIdx.x; row < p.rows; row += blockDim.x)
    {
        if (!p.valid || p.valid[row] != 0)
        {
            sum += (double)p.x[row] * (double)p.x[row] / p.tokens;
        }
    }

    sum = block_sum(sum);
    if (threadIdx.x == 0)
    {
        p.sum[0] = sum;
    }
}

// The sum of x over the rows that take part.
extern "C" __global__ void __launch_bounds__(1024) sum_rows(const SumRowsParameters p)
{
    double sum = 0.0;
    for (i64 row = threadIdx.x; row < p.rows; row += blockDim.x)
    {
        if (!p.valid || p.valid[row] != 0)
        {
            sum += (double)p.x[row];
        }
    }

    sum = block_sum(sum);
    if (threadIdx.x == 0)
    {
        p.sum[0] = sum;
    }
}

struct AddCountsParameters
{
    const int* counts;
    float* sums;
    int experts;
};

// sums[e] += counts[e].
extern "C" __global__ void __launch_bounds__(256) add_counts(const AddCountsParameters p)
{
    i64 e = thread_number();
    if (e < p.experts)
    {
        p.sums[e] += (float)p.counts[e];
    }
}

struct MoveBiasParameters
{
    const float* counts;
    float* bias;
    int experts;
    float rate;
};

// bias[e] += rate * sign(sum(c) - E * c[e]). Both sides are whole numbers, so that equal counts are equal.
extern "C" __global__ void __launch_bounds__(256) move_bias(const MoveBiasParameters p)
{
    double sum = 0.0;
    for (int e = threadIdx.x; e < p.experts; e += blockDim.x)
    {
        sum += (double)p.counts[e];
    }

    sum = block_sum(sum);
    for (int e = threadIdx.x; e < p.experts; e += blockDim.x)
    {
        double missing = sum - (double)p.counts[e] * (double)p.experts;
        p.bias[e] += p.rate * (missing > 0.0 ? 1.0f : missing < 0.0 ? -1.0f : 0.0f);
    }
}

struct ExponentParameters
{
    float* x;
    const float* exponent;
    float* gradient;
    i64 length;
    float highest;
};

// x *= exp(min(exponent, highest)).
extern "C" __global__ void __launch_bounds__(256) scale_by_exponential(const ExponentParameters p)
{
    float exponent = p.exponent[0];
    float factor = expf(is_nan(exponent) ? exponent : fminf(exponent, p.highest));
    for_elements(1, p.length, aligned(p.x), [&](i64 row, i64 column, auto part)
    {
        Four x = load_four(p.x + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            x.at[i] *= factor;
        }

        store_four(p.x + column, x, part);
    });
}

// gradient += the sum of x, while the exponent is not above the highest.
extern "C" __global__ void __launch_bounds__(1024) add_exponent_gradient(const ExponentParameters p)
{
    float sum = 0.0f;
    for (i64 i = threadIdx.x; i < p.length; i += blockDim.x)
    {
        sum += p.x[i];
    }

    sum = block_sum(sum);
    if (threadIdx.x == 0 && p.exponent[0] <= p.highest)
    {
        p.gradient[0] += sum;
    }
}

// Gates: the best columns of each row, the weights of the choices, and the losses that balance the load.

struct TopKParameters
{
    Matrix scores;
    const float* bias;
    const int* valid;
    int* choices;
    int k;
};

__device__ __forceinline__ float biased_score(const float* row, const float* bias, int column)
{
    float value = bias ? row[column] + bias[column] : row[column];
    return is_nan(value) ? -positive_infinity() : value;
}

// The k best columns of each row, by k scans of one warp: each finds the best that comes after the one found before, in the order "higher
// score, then lower column". That order excludes what has been chosen. A NaN counts as -infinity.
extern "C" __global__ void __launch_bounds__(32) top_k(const TopKParameters p)
{
    i64 row = blockIdx.x;
    int* chosen = p.choices + row * p.k;
    if (p.valid && p.valid[row] == 0)
    {
        for (int j = threadIdx.x; j < p.k; j += 32)
        {
            chosen[j] = -1;
        }

        return;
    }

    const float* scores = row_of(p.scores, row);
    float lastScore = positive_infinity();
    int lastColumn = -1;
    for (int j = 0; j < p.k; j++)
    {
        float best = -positive_infinity();
        int bestColumn = none;
        for (int column = threadIdx.x; column < p.scores.columns; column += 32)
        {
            float value = biased_score(scores, p.bias, column);
            bool after = value < lastScore || (value == lastScore && column > lastColumn);
            if (after && (bestColumn == none || value > best))
            {
                best = value;
                bestColumn = column;
            }
        }

        warp_best(best, bestColumn);

        lastScore = best;
        lastColumn = bestColumn;
        if (threadIdx.x == 0)
        {
            chosen[j] = bestColumn;
        }
    }
}

struct ChoiceWeightsParameters
{
    Matrix scores;
    const int* choices;
    float* weights;
    int k;
    int renormalise;
    float epsilon;
};

// The sum of the chosen scores, in choice order.
__device__ __forceinline__ float chosen_sum(const float* score, const int* chosen, int k)
{
    float sum = 0.0f;
    for (int j = 0; j < k; j++)
    {
        sum += chosen[j] < 0 ? 0.0f : score[chosen[j]];
    }

    return sum;
}

// The larger; a NaN stays.
__device__ __forceinline__ float at_least(float value, float least)
{
    return is_nan(value) ? value : fmaxf(value, least);
}

// The scores of the chosen columns, divided by their sum when renormalised. A thread per row.
extern "C" __global__ void __launch_bounds__(128) choice_weights(const ChoiceWeightsParameters p)
{
    i64 row = thread_number();
    if (row >= p.scores.rows)
    {
        return;
    }

    const float* score = row_of(p.scores, row);
    const int* chosen = p.choices + row * p.k;
    float* weight = p.weights + row * p.k;
    float denominator = p.renormalise ? at_least(chosen_sum(score, chosen, p.k), p.epsilon) : 1.0f;
    for (int j = 0; j < p.k; j++)
    {
        weight[j] = chosen[j] < 0 ? 0.0f : score[chosen[j]] / denominator;
    }
}

struct ChoiceWeightsGradientParameters
{
    Matrix scores;
    const int* choices;
    const float* dWeights;
    Matrix dScores;
    int k;
    int renormalise;
    float epsilon;
};

// Gradient of the chosen weights by all scores of the row: with the sum S as denominator, ds = (dw - sum(dw * w)) / S; where epsilon stood in
// for S, and without renormalising, the denominator is a constant. A warp clears the row, and its first thread adds the choices in order.
extern "C" __global__ void __launch_bounds__(32) choice_weights_gradient(const ChoiceWeightsGradientParameters p)
{
    i64 row = blockIdx.x;
    float* gradient = row_of(p.dScores, row);
    for_columns(p.dScores.columns, aligned(gradient), [&](int column, auto part) { store_four(gradient + column, Four{}, part); });
    __syncwarp();
    if (threadIdx.x != 0)
    {
        return;
    }

    const float *score = row_of(p.scores, row), *dWeight = p.dWeights + row * p.k;
    const int* chosen = p.choices + row * p.k;
    float denominator = 1.0f, mean = 0.0f;
    if (p.renormalise)
    {
        float sum = chosen_sum(score, chosen, p.k);
        denominator = at_least(sum, p.epsilon);
        for (int j = 0; sum > p.epsilon && j < p.k; j++)
        {
            mean = chosen[j] < 0 ? mean : fmaf(dWeight[j], score[chosen[j]] / denominator, mean);
        }
    }

    for (int j = 0; j < p.k; j++)
    {
        if (chosen[j] >= 0)
        {
            gradient[chosen[j]] += (dWeight[j] - mean) / denominator;
        }
    }
}

struct ScoreSumsParameters
{
    Matrix scores;
    const int* valid;
    float* factors;
    float* chunks;
    int normalise;
};

// The sum of a row. Every thread of the block gets it.
__device__ __forceinline__ float row_sum(const float* x, int columns)
{
    float sum = 0.0f;
    for_columns(columns, aligned(x), [&](int column, auto part)
    {
        Four value = load_four(x + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            sum += value.at[i];
        }
    });

    return block_sum(sum);
}

// factors[t] = 1 / the sum of the scores of row t.
extern "C" __global__ void __launch_bounds__(512) score_factors(const ScoreSumsParameters p)
{
    float sum = row_sum(row_of(p.scores, blockIdx.x), p.scores.columns);
    if (threadIdx.x == 0)
    {
        p.factors[blockIdx.x] = 1.0f / sum;
    }
}

// The sums of the scores, times the rows' factors when normalised, over the rows of a chunk that take part.
extern "C" __global__ void __launch_bounds__(256) score_sums(const ScoreSumsParameters p)
{
    sum_chunk(p.scores.rows, p.scores.columns, p.chunks, [&](int row, int column, float sum)
    {
        if (p.valid && p.valid[row] == 0)
        {
            return sum;
        }

        return fmaf(row_of(p.scores, row)[column], p.normalise ? p.factors[row] : 1.0f, sum);
    });
}

struct ScoreSumsGradientParameters
{
    Matrix scores;
    const int* valid;
    const float* sumsGradient;
    Matrix dScores;
    int normalise;
};

// Every row that takes part gets the sums' gradient g, or, where scores were divided by their sum S, (g - sum(g * p)) / S.
extern "C" __global__ void __launch_bounds__(512) score_sums_gradient(const ScoreSumsGradientParameters p)
{
    int row = blockIdx.x, columns = p.scores.columns;
    if (p.valid && p.valid[row] == 0)
    {
        return;
    }

    float factor = 1.0f, mean = 0.0f;
    if (p.normalise)
    {
        const float* scores = row_of(p.scores, row);
        factor = 1.0f / row_sum(scores, columns);
        float dot = 0.0f;
        for_columns(columns, aligned(p.sumsGradient, scores), [&](int column, auto part)
        {
            Four g = load_four(p.sumsGradient + column, part), score = load_four(scores + column, part);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                dot = fmaf(g.at[i], score.at[i], dot);
            }
        });

        mean = block_sum(dot) * factor;
    }

    float* to = row_of(p.dScores, row);
    for_columns(columns, aligned(to, p.sumsGradient), [&](int column, auto part)
    {
        Four before = load_four(to + column, part), g = load_four(p.sumsGradient + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            before.at[i] += (g.at[i] - mean) * factor;
        }

        store_four(to + column, before, part);
    });
}

struct ZLossGradientParameters
{
    Matrix logits;
    const float* logSumExp;
    const int* valid;
    Matrix dLogits;
    float factor;
};

// dLogits += 2 * factor * lse * softmax(logits), without the rows that take no part.
extern "C" __global__ void __launch_bounds__(512) z_loss_gradient(const ZLossGradientParameters p)
{
    int row = blockIdx.x;
    if (p.valid && p.valid[row] == 0)
    {
        return;
    }

    const float* x = row_of(p.logits, row);
    float* dx = row_of(p.dLogits, row);
    float lse = p.logSumExp[row], slope = 2.0f * p.factor * lse;
    for_columns(p.logits.columns, aligned(x, dx), [&](int column, auto part)
    {
        Four value = load_four(x + column, part), before = load_four(dx + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            before.at[i] += slope * expf(value.at[i] - lse);
        }

        store_four(dx + column, before, part);
    });
}

// What particular gates need: groups, entropies, the drawn second choice, and the smooth load.

struct MaskGroupsParameters
{
    Matrix scores;
    const float* bias;
    Matrix masked;
    int groups;
    int kept;
};

__device__ __forceinline__ float group_score(const MaskGroupsParameters& p, const float* scores, int column)
{
    float value = p.bias ? scores[column] + p.bias[column] : scores[column];
    return is_nan(value) ? -positive_infinity() : value;
}

// What a group is worth: the sum of its two best members, or its one member.
__device__ __forceinline__ float group_worth(const MaskGroupsParameters& p, const float* scores, int first, int members)
{
    float best = -positive_infinity(), second = best;
    for (int column = first; column < first + members; column++)
    {
        float value = group_score(p, scores, column);
        second = value > best ? best : fmaxf(second, value);
        best = value > best ? value : best;
    }

    float worth = members > 1 ? best + second : best;
    return is_nan(worth) ? -positive_infinity() : worth;
}

// Keeps the best groups of each row. Like top_k a warp scans once per kept group for the best that comes after the one found before, in the
// order "worth more, then lower group".
extern "C" __global__ void __launch_bounds__(32) mask_groups(const MaskGroupsParameters p)
{
    int members = p.scores.columns / p.groups;
    const float* scores = row_of(p.scores, blockIdx.x);
    float* to = row_of(p.masked, blockIdx.x);
    for (int column = threadIdx.x; column < p.scores.columns; column += 32)
    {
        to[column] = -positive_infinity();
    }

    __syncwarp();
    float lastWorth = positive_infinity();
    int lastGroup = -1;
    for (int j = 0; j < p.kept; j++)
    {
        float best = -positive_infinity();
        int bestGroup = none;
        for (int group = threadIdx.x; group < p.groups; group += 32)
        {
            float worth = group_worth(p, scores, group * members, members);
            bool after = worth < lastWorth || (worth == lastWorth && group > lastGroup);
            if (after && (bestGroup == none || worth > best))
            {
                best = worth;
                bestGroup = group;
            }
        }

        warp_best(best, bestGroup);

        lastWorth = best;
        lastGroup = bestGroup;
        for (int member = threadIdx.x; member < members; member += 32)
        {
            to[bestGroup * members + member] = group_score(p, scores, bestGroup * members + member);
        }
    }
}

struct EntropiesParameters
{
    Matrix scores;
    float* entropies;
    int normalise;
};

// -sum(p * ln p) of each row; where p is 0 there is nothing to add.
extern "C" __global__ void __launch_bounds__(512) entropies(const EntropiesParameters p)
{
    int columns = p.scores.columns;
    const float* scores = row_of(p.scores, blockIdx.x);
    float divisor = 1.0f;
    if (p.normalise)
    {
        float total = 0.0f;
        for_columns(columns, aligned(scores), [&](int column, auto part)
        {
            Four value = load_four(scores + column, part);
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                total += value.at[i];
            }
        });

        divisor = block_sum(total);
    }

    float sum = 0.0f;
    for_columns(columns, aligned(scores), [&](int column, auto part)
    {
        Four value = load_four(scores + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float share = value.at[i] / divisor;
            if (part.has(i) && share != 0.0f)
            {
                sum -= share * logf(share);
            }
        }
    });

    sum = block_sum(sum);
    if (threadIdx.x == 0)
    {
        p.entropies[blockIdx.x] = sum;
    }
}

struct DrawSecondParameters
{
    Matrix logits;
    Matrix scores;
    int* choices;
    u64 key;
    float scale;
    int k;
};

// Puts a drawn column at the second place of each row's choices; those from there on move back by one, up to where it was. A warp per row.
extern "C" __global__ void __launch_bounds__(32) draw_second(const DrawSecondParameters p)
{
    i64 row = blockIdx.x;
    int* chosen = p.choices + row * p.k;
    int first = chosen[0];
    if (first < 0)
    {
        return;
    }

    u64 stream = random_bits(p.key, (u64)row);
    const float *logit = row_of(p.logits, row), *score = row_of(p.scores, row);
    double highest = -(double)positive_infinity();
    int best = none;
    for (int column = threadIdx.x; column < p.logits.columns; column += 32)
    {
        if (column != first && score[column] > -positive_infinity())
        {
            double value = (double)logit[column] - (double)p.scale * log(-log(random_uniform(stream, (u64)column)));
            if (value > highest)
            {
                highest = value;
                best = column;
            }
        }
    }

    warp_best(highest, best);

    if (threadIdx.x == 0 && best != none)
    {
        int moved = best;
        for (int j = 1; j < p.k; j++)
        {
            int before = chosen[j];
            chosen[j] = moved;
            moved = before;
            if (before == best)
            {
                break;
            }
        }
    }
}

struct SmoothLoadParameters
{
    Matrix logits;
    Matrix noisy;
    const int* choices;
    float* chunks;
    int k;
    float deviation;
};

// The last choice of a row: its noisy logit is the threshold. -1 where the row takes no part.
__device__ __forceinline__ int last_choice(const int* choices, i64 row, int k)
{
    return choices[row * k + k - 1];
}

// The sums over chunks of rows of the probability that fresh noise would lift a token's logit over its threshold.
extern "C" __global__ void __launch_bounds__(256) smooth_load(const SmoothLoadParameters p)
{
    sum_chunk(p.logits.rows, p.logits.columns, p.chunks, [&](int row, int column, float sum)
    {
        int last = last_choice(p.choices, row, p.k);
        if (last < 0)
        {
            return sum;
        }

        float bell;
        return sum + normal_cumulative((row_of(p.logits, row)[column] - row_of(p.noisy, row)[last]) / p.deviation, &bell);
    });
}

struct SmoothLoadGradientParameters
{
    Matrix logits;
    Matrix noisy;
    const int* choices;
    const float* loadGradient;
    Matrix dLogits;
    int k;
    float deviation;
};

// dLogits[t, e] += s with s = g[e] * phi((a - threshold) / deviation) / deviation, and -sum(s) to the logit that set the threshold.
extern "C" __global__ void __launch_bounds__(512) smooth_load_gradient(const SmoothLoadGradientParameters p)
{
    int row = blockIdx.x, last = last_choice(p.choices, row, p.k);
    if (last < 0)
    {
        return;
    }

    const float* a = row_of(p.logits, row);
    float* to = row_of(p.dLogits, row);
    float threshold = row_of(p.noisy, row)[last], density = DENSITY_AT_ZERO / p.deviation, sum = 0.0f;
    for_columns(p.logits.columns, aligned(a, p.loadGradient, to), [&](int column, auto part)
    {
        Four value = load_four(a + column, part), g = load_four(p.loadGradient + column, part), before = load_four(to + column, part);
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            float bell;
            normal_cumulative((value.at[i] - threshold) / p.deviation, &bell);
            float slope = g.at[i] * (bell * density);
            sum += slope;
            before.at[i] += slope;
        }

        store_four(to + column, before, part);
    });

    sum = block_sum(sum);
    __syncthreads(); // The logit that set the threshold has got its own part.
    if (threadIdx.x == 0)
    {
        to[last] -= sum;
    }
}

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Auxiliary losses from sums over tokens, the gradients of those, and the bias that balances.</summary>
internal static class BalanceMeasures
{
    /// <summary><c>Σₑ E·(sums[e]/tokens)·(counts[e]/choices)</c>.</summary>
    public static double Choices(ReadOnlySpan<float> sums, ReadOnlySpan<int> counts, double tokens, double choices)
    {
        double loss = 0;
        for (int e = 0; e < sums.Length; e++)
        {
            loss += sums.Length * (sums[e] / tokens) * (counts[e] / choices);
        }

        return loss;
    }

    /// <summary>d/d(Σ_t p_te) of c·E·Σₑ (Σ_t p_te/T)·fₑ is c·E·fₑ/T.</summary>
    public static void ChoicesGradient(ReadOnlySpan<int> counts, float tokens, float choices, float factor, Span<float> gradient)
    {
        for (int e = 0; e < counts.Length; e++)
        {
            gradient[e] = factor * counts.Length * (counts[e] / choices) / tokens;
        }
    }

    /// <summary>Variance over squared mean: E·Σv²/(Σv)² − 1.</summary>
    public static double SquaredVariation(ReadOnlySpan<float> values)
    {
        (double sum, double squares) = Moments(values);
        return sum > 0 ? values.Length * squares / (sum * sum) - 1 : 0;
    }

    /// <summary><c>factor·2E/S²·(v − Q/S)</c> with S = Σv, Q = Σv².</summary>
    public static void SquaredVariationGradient(ReadOnlySpan<float> values, double factor, Span<float> gradient)
    {
        (double sum, double squares) = Moments(values);
        for (int e = 0; e < values.Length; e++)
        {
            gradient[e] = sum > 0 ? (float)(factor * 2 * values.Length / (sum * sum) * (values[e] - squares / sum)) : 0f;
        }
    }

    /// <summary>Σ x²/count over the rows that take part.</summary>
    public static double MeanSquare(ReadOnlySpan<float> x, ReadOnlySpan<int> valid, double count)
    {
        double mean = 0;
        for (int row = 0; row < x.Length; row++)
        {
            if (valid.IsEmpty || valid[row] != 0)
            {
                mean += (double)x[row] * x[row] / count;
            }
        }

        return mean;
    }

    /// <summary>Σ x over the rows that take part.</summary>
    public static double Sum(ReadOnlySpan<float> x, ReadOnlySpan<int> valid)
    {
        double sum = 0;
        for (int row = 0; row < x.Length; row++)
        {
            if (valid.IsEmpty || valid[row] != 0)
            {
                sum += x[row];
            }
        }

        return sum;
    }

    /// <summary>Moves every bias by <paramref name="rate"/> towards an equal count.</summary>
    public static void MoveBias(ReadOnlySpan<float> counts, float rate, Span<float> bias)
    {
        double sum = 0;
        foreach (float count in counts)
        {
            sum += count;
        }

        for (int e = 0; e < counts.Length; e++)
        {
            // Both sides of mean − count times E: whole numbers, so that equal counts are equal.
            double missing = sum - (double)counts[e] * counts.Length;
            bias[e] += rate * (missing > 0 ? 1 : missing < 0 ? -1 : 0);
        }
    }

    private static (double Sum, double Squares) Moments(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        foreach (float value in values)
        {
            sum += value;
            squares += (double)value * value;
        }

        return (sum, squares);
    }
}

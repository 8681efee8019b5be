using System.Globalization;
using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.KindChecks;

/// <summary>What a check says of numbers: null where nothing is wrong with them.</summary>
internal static class Complaints
{
    /// <summary>Draws of numbers that a kind may be wrong for: one that crosses a kink of an activation is wrong for one of them alone.</summary>
    private const ulong Draws = 3;

    /// <summary>Steps of a difference. Wide ones see curvature, narrow ones see rounding: one has to agree.</summary>
    private static readonly float[] Steps = [1e-2f, 2e-3f, 5e-4f];

    private const double Tolerance = 3e-3;

    /// <summary>What rounding adds to a loss.</summary>
    private const double Rounding = 2e-6;

    /// <summary>Checks a kind with numbers of several draws, until there is nothing wrong.</summary>
    /// <param name="sort">What the kind is one of.</param>
    /// <param name="name">The kind's name.</param>
    /// <param name="complaint">What is wrong with the numbers of a seed.</param>
    /// <exception cref="KindException">There is something wrong with every draw.</exception>
    public static void Throw(string sort, string name, Func<ulong, string?> complaint)
    {
        string? found = null;
        for (ulong seed = 1; seed <= Draws; seed++)
        {
            try
            {
                found = complaint(seed);
            }
            catch (Exception e) when (e is not KindException)
            {
                throw KindException.Of(sort, name, KindPhase.Check, layer: null, e);
            }

            if (found is null)
            {
                return;
            }
        }

        throw new KindException(sort, name, KindPhase.Check, found!);
    }

    /// <summary>Of numbers that were computed over memory that held NaN.</summary>
    public static string? Undefined(string what, float[] values) => Array.FindIndex(values, value => !float.IsFinite(value)) is >= 0 and var i
        ? $"{what} is {Number(values[i])} at element {i}: it is never written, or follows from memory that was not written before it was read."
        : null;

    /// <summary>Of numbers that were computed twice.</summary>
    public static string? Differing(string what, float[] one, float[] other, string when)
    {
        for (int i = 0; i < one.Length; i++)
        {
            if (BitConverter.SingleToInt32Bits(one[i]) != BitConverter.SingleToInt32Bits(other[i]))
            {
                return $"{what} is {Number(one[i])} at element {i}, then {Number(other[i])} {when}.";
            }
        }

        return null;
    }

    /// <summary>Of numbers that were added to what was there.</summary>
    public static string? NotAdded(string what, float[] alone, float[] added, float to, string rule)
    {
        double scale = alone.Append(to).Max(value => Math.Abs((double)value));
        for (int i = 0; i < alone.Length; i++)
        {
            if (!(Math.Abs(added[i] - to - (double)alone[i]) <= 1e-5 * scale))
            {
                return $"{what} is {Number(alone[i])} at element {i}, and {Number(added[i])} where {Number(to)} was before: {rule}";
            }
        }

        return null;
    }

    /// <summary>Of numbers that are to be a sum over slices.</summary>
    public static string? NotSum(string what, float[] whole, float[] sum)
    {
        double scale = whole.Max(value => Math.Abs((double)value));
        int i = Array.FindIndex([.. whole.Zip(sum, (one, other) => Math.Abs((double)one - other))], difference => !(difference <= 1e-4 * scale));
        return i < 0
            ? null
            : $"{what} is {Number(whole[i])} at element {i}, and {Number(sum[i])} as the sum over slices of its hidden units: it is no such sum, or ParameterShape.Hidden says wrongly where they are.";
    }

    /// <summary>Of a gradient, by central differences of the loss.</summary>
    /// <param name="what">Whose gradient.</param>
    /// <param name="values">The values, which are as before afterwards.</param>
    /// <param name="write">Takes them over.</param>
    /// <param name="gradient">The gradient.</param>
    /// <param name="loss">The loss; null where it is none that can be compared.</param>
    public static string? Slope(string what, float[] values, Action write, float[] gradient, Func<double?> loss)
    {
        double scale = gradient.Max(value => Math.Abs((double)value));
        for (int i = 0; i < values.Length; i++)
        {
            string? found = null;
            foreach (float step in Steps)
            {
                if (Difference(values, i, step, write, loss) is not { } slope)
                {
                    continue;
                }

                double allowed = Tolerance * Math.Max(scale, Math.Abs(slope)) + Rounding / step;
                if (Math.Abs(slope - gradient[i]) <= allowed)
                {
                    found = null;
                    break;
                }

                found = scale == 0 && Math.Abs(slope) > 0
                    ? $"the gradient of {what} is 0 everywhere, but the slope at element {i} is {Number((float)slope)} (by differences): nothing writes it."
                    : $"the gradient of {what} is {Number(gradient[i])} at element {i}, but the slope there is {Number((float)slope)} (by differences).";
            }

            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    private static double? Difference(float[] values, int i, float step, Action write, Func<double?> loss)
    {
        float value = values[i], above = value + step, below = value - step;
        values[i] = above;
        write();
        double? high = loss();
        values[i] = below;
        write();
        double? low = loss();
        values[i] = value;
        write();
        return (high - low) / ((double)above - below);
    }

    private static string Number(float value) => value.ToString("G5", CultureInfo.InvariantCulture);
}

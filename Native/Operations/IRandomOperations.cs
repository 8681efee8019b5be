using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>
/// Random numbers that are functions of (key, row, column), never of a state: row i draws from the stream
/// <c>CounterRandom.Next(key, i)</c>, so that any worker, any number of threads and a repeated pass see the same numbers.
/// </summary>
public interface IRandomOperations
{
    /// <summary><c>x[i, j] += deviation·N(0, 1)</c>, Box–Muller on the columns 2·⌊j/2⌋ and its successor.</summary>
    /// <param name="x">[n, columns].</param>
    /// <param name="key">The key.</param>
    /// <param name="deviation">Standard deviation.</param>
    void AddNormal(in Matrix x, ulong key, float deviation);

    /// <summary>
    /// <c>y (+)= x·u</c>, element by element, u uniform in [1 − <paramref name="spread"/>, 1 + <paramref name="spread"/>). With the same
    /// key it is also its own gradient: the factors are computed again, not kept.
    /// </summary>
    /// <param name="x">[n, columns].</param>
    /// <param name="key">The key.</param>
    /// <param name="spread">How far a factor may be from 1.</param>
    /// <param name="y">[n, columns]; may be the memory of <paramref name="x"/>.</param>
    /// <param name="accumulation">Whether y is stored or added to.</param>
    void MultiplyUniform(in Matrix x, ulong key, float spread, in Matrix y, Accumulation accumulation);
}

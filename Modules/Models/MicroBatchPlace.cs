using MoEActors.Native.Operations;

namespace MoEActors.Modules.Models;

/// <summary>The place of a micro-batch in a run, which with the seed determines its random numbers, wherever it is computed.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Index">The micro-batch of the step, from 0.</param>
public readonly record struct MicroBatchPlace(long Step, int Index)
{
    /// <summary>The key of its random numbers.</summary>
    /// <param name="seed">The model's seed.</param>
    public ulong RandomKey(ulong seed) => CounterRandom.Derive(CounterRandom.Derive(seed, (ulong)Step), (ulong)Index);
}

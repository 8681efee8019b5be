using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>
/// Each expert takes its C best tokens (Zhou et al., arXiv 2202.09368), so that a token may have any number of experts, none included.
/// A row of the routing has as many places as the busiest token needs; the others are −1.
/// </summary>
public sealed class ExpertChoice : ISelection
{
    private int[] _tokens = [];
    private int[] _next = [];

    /// <inheritdoc />
    public bool IsBalanced => true;

    /// <inheritdoc />
    public void Select(Tape tape, GatePass pass)
    {
        int rows = pass.Scores.Rows;
        int count = Math.Min(pass.Options.Capacity(pass.Context.ValidCount, pass.Experts), pass.Context.ValidCount);
        DeviceSpan<int> best = tape.Arena.Take<int>(checked(pass.Experts * count));
        tape.Device.TopRows(pass.Scores, pass.Context.Valid, count, best);
        if (_tokens.Length < best.Length || _next.Length < rows)
        {
            _tokens = new int[Math.Max(_tokens.Length, best.Length)];
            _next = new int[Math.Max(_next.Length, rows)];
        }

        ReadOnlySpan<int> tokens = _tokens.AsSpan(0, best.Length);
        tape.Device.Read(best, _tokens.AsSpan(0, best.Length));
        int k = MostExpertsOfOne(tokens, rows);
        Span<int> choices = pass.Routing.BeginChoices(rows, k);
        choices.Fill(-1);
        Array.Clear(_next, 0, rows);
        for (int i = 0; i < tokens.Length; i++)
        {
            choices[tokens[i] * k + _next[tokens[i]]++] = i / count;
        }

        pass.Routing.Choices = tape.Arena.Take<int>(choices.Length);
        tape.Device.Write<int>(choices, pass.Routing.Choices);
    }

    /// <summary>The weights are the scores themselves.</summary>
    public bool Renormalises(GateOptions options) => false;

    /// <summary>What experts took, they keep.</summary>
    public int Capacity(GatePass pass) => int.MaxValue;

    /// <summary>What only matters when tokens choose contradicts this selection.</summary>
    public IEnumerable<string> Mistakes(GateOptions options)
    {
        if (options.CapacityFactor == 0)
        {
            yield return $"{nameof(options.CapacityFactor)} is 0; expert choice needs a capacity (1 gives each expert its even share).";
        }

        if (options.Priority != SlotPriority.Position)
        {
            yield return $"{nameof(options.Priority)} is {options.Priority}; under expert choice no two tokens compete for a slot in turn.";
        }

        if (options.Groups > 1)
        {
            yield return $"{nameof(options.Groups)} is {options.Groups}; under expert choice tokens do not choose, so groups limit nothing.";
        }

        if (options.SecondChoiceNoise > 0)
        {
            yield return $"{nameof(options.SecondChoiceNoise)} is {options.SecondChoiceNoise}; under expert choice tokens have no second choice.";
        }

        if (options.BiasUpdateRate > 0)
        {
            yield return $"{nameof(options.BiasUpdateRate)} is {options.BiasUpdateRate}; expert choice is balanced without a bias.";
        }

        if (options.Balance == BalanceLossKind.LoadImportance)
        {
            yield return $"{nameof(options.Balance)} is {options.Balance}; expert choice is balanced without a loss.";
        }
    }

    private int MostExpertsOfOne(ReadOnlySpan<int> tokens, int rows)
    {
        Array.Clear(_next, 0, rows);
        int most = 1;
        foreach (int token in tokens)
        {
            most = Math.Max(most, ++_next[token]);
        }

        return most;
    }
}

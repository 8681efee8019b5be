using MoEActors.Modules.Autograd;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Gates;

/// <summary>
/// Whose choice gets a slot while there are some. First choices always come before second ones; this is the order within.
/// </summary>
public enum SlotPriority
{
    /// <summary>Earlier tokens first (GShard, arXiv 2006.16668, algorithm 1).</summary>
    Position,

    /// <summary>Tokens with a better best score first: batch-prioritised routing (V-MoE, arXiv 2106.05974, §4; Tutel).</summary>
    Score,

    /// <summary>A fresh random order in training: random token selection (DeepSpeed-MoE, arXiv 2201.05596). By position in evaluation.</summary>
    Random,
}

/// <summary>
/// The order in which tokens are served when slots are short. It decides which tokens are kept, never where: the rows of an expert stay in token
/// order, so that without a limit every order gives the same bits.
/// </summary>
internal sealed class SlotOrder
{
    private ulong[] _keys = [];
    private int[] _order = [];
    private float[] _scores = [];

    /// <summary>The rows in the order of their priority; empty for their own.</summary>
    public ReadOnlySpan<int> Of(Tape tape, GatePass pass, int capacity)
    {
        if (capacity == int.MaxValue)
        {
            return [];
        }

        return pass.Options.Priority switch
        {
            SlotPriority.Score => ByScore(tape, pass),
            SlotPriority.Random when pass.Context.Stream(RandomStream.Slots) is { } key => ByChance(key, pass.Routing.Rows),
            _ => [],
        };
    }

    /// <summary>By each row's best chosen score, descending; ties to the earlier row.</summary>
    private ReadOnlySpan<int> ByScore(Tape tape, GatePass pass)
    {
        Routing routing = pass.Routing;
        DeviceSpan<float> raw = tape.Arena.Take<float>(routing.Rows * routing.K);
        tape.Device.ChoiceWeights(pass.Scores, routing.Choices, routing.K, renormalise: false, GateOptions.Epsilon, raw);
        if (_scores.Length < raw.Length)
        {
            _scores = new float[raw.Length];
        }

        tape.Device.Read(raw, _scores.AsSpan(0, raw.Length));
        Span<ulong> keys = Keys(routing.Rows);
        for (int row = 0; row < keys.Length; row++)
        {
            float best = 0f;
            foreach (float score in _scores.AsSpan(row * routing.K, routing.K))
            {
                best = MathF.Max(best, score);
            }

            // Scores are not negative, so their bits are in their order.
            keys[row] = (ulong)~BitConverter.SingleToUInt32Bits(best) << 32 | (uint)row;
        }

        return Sorted(keys);
    }

    private ReadOnlySpan<int> ByChance(ulong key, int rows)
    {
        Span<ulong> keys = Keys(rows);
        for (int row = 0; row < rows; row++)
        {
            keys[row] = CounterRandom.Next(key, (ulong)row) & 0xFFFFFFFF00000000 | (uint)row;
        }

        return Sorted(keys);
    }

    private Span<ulong> Keys(int rows)
    {
        if (_keys.Length < rows)
        {
            _keys = new ulong[rows];
            _order = new int[rows];
        }

        return _keys.AsSpan(0, rows);
    }

    private ReadOnlySpan<int> Sorted(Span<ulong> keys)
    {
        keys.Sort();
        for (int i = 0; i < keys.Length; i++)
        {
            _order[i] = (int)(uint)keys[i];
        }

        return _order.AsSpan(0, keys.Length);
    }
}

using MoEActors.Modules.Autograd;

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
internal static class SlotOrder
{
    /// <summary>The rows in the order of their priority; empty for their own.</summary>
    public static DeviceSpan<int> Of(Tape tape, GatePass pass, int capacity)
    {
        if (capacity == int.MaxValue)
        {
            return DeviceSpan<int>.Empty;
        }

        return pass.Options.Priority switch
        {
            SlotPriority.Score => ByScore(tape, pass),
            SlotPriority.Random when pass.Context.Stream(RandomStream.Slots) is { } key => ByChance(tape, key, pass.Routing.Rows),
            _ => DeviceSpan<int>.Empty,
        };
    }

    /// <summary>By each row's best chosen score, descending; ties to the earlier row.</summary>
    private static DeviceSpan<int> ByScore(Tape tape, GatePass pass)
    {
        Routing routing = pass.Routing;
        DeviceSpan<float> raw = tape.Arena.Take<float>(routing.Rows * routing.K);
        tape.Device.ChoiceWeights(pass.Scores, routing.Choices, routing.K, renormalise: false, GateOptions.Epsilon, raw);
        DeviceSpan<int> order = tape.Arena.Take<int>(routing.Rows);
        tape.Device.OrderByScore(raw, routing.K, order);
        return order;
    }

    private static DeviceSpan<int> ByChance(Tape tape, ulong key, int rows)
    {
        DeviceSpan<int> order = tape.Arena.Take<int>(rows);
        tape.Device.OrderByChance(key, order);
        return order;
    }
}

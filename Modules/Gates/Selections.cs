using MoEActors.Modules.Autograd;
using MoEActors.Modules.Kinds;

namespace MoEActors.Modules.Gates;

/// <summary>How scores become choices. One object per layer and worker. Choices are constants in backward: a selection has no gradient.</summary>
public interface ISelection
{
    /// <summary>Whether every expert gets the same number of tokens in any case, so that no loss has to see to it.</summary>
    bool IsBalanced => false;

    /// <summary>
    /// Computes choices by operations of the device, [rows, k] experts, the best first and −1 where there is none (rows of padding have none), and gives
    /// them to <see cref="Routing.SetChoices"/> of the pass. What has to look at numbers on the host is a <see cref="HostSelection"/>.
    /// </summary>
    void Select(Tape tape, GatePass pass);

    /// <summary>
    /// Whether the weights of a token are divided by their sum. One expert per token keeps its raw score: divided by itself it would be 1 and carry no
    /// gradient.
    /// </summary>
    bool Renormalises(GateOptions options) => options.Renormalise && options.TopK > 1;

    /// <summary>Slots of an expert, of those that <see cref="Select"/> has chosen.</summary>
    int Capacity(GatePass pass) => pass.Options.Capacity(pass.Context.ValidCount, pass.Experts);

    /// <summary>What this selection cannot do with the options: sentences that begin with the name of the property.</summary>
    IEnumerable<string> Errors(GateOptions options) => [];
}

/// <summary>
/// A selection that is computed on the host: for gates of one's own that no operation of the device serves. Its type declares that, since the device
/// has to wait for it in every layer. None of the library's gates has one.
/// </summary>
public abstract class HostSelection : ISelection
{
    private float[] _scores = [];
    private int[] _choices = [];

    /// <inheritdoc />
    public void Select(Tape tape, GatePass pass)
    {
        int rows = pass.Scores.Rows, k = pass.Options.TopK, count = checked(rows * k);
        if (_choices.Length < count)
        {
            _choices = new int[count];
        }

        Span<int> choices = _choices.AsSpan(0, count);
        Choose(tape, pass, choices);
        DeviceSpan<int> chosen = tape.Arena.Take<int>(count);
        tape.Device.Write<int>(choices, chosen);
        pass.Routing.SetChoices(chosen, rows, k);
    }

    /// <summary>Chooses.</summary>
    /// <param name="tape">The tape.</param>
    /// <param name="pass">The pass.</param>
    /// <param name="choices">[rows, topK] experts, to be written; the best first, −1 where there is none and for padding.</param>
    protected abstract void Choose(Tape tape, GatePass pass, Span<int> choices);

    /// <summary>[rows, experts] the scores of the pass on the host, until the next pass.</summary>
    protected ReadOnlySpan<float> ReadScores(Tape tape, GatePass pass)
    {
        int count = pass.Scores.Rows * pass.Experts;
        if (_scores.Length < count)
        {
            _scores = new float[count];
        }

        tape.Device.Read(pass.Scores.Data, _scores.AsSpan(0, count));
        return _scores.AsSpan(0, count);
    }
}

/// <summary>
/// Each token takes its k best experts by score plus bias, from the best groups alone if they are limited (DeepSeek-V3,
/// arXiv 2412.19437, §2.1.2).
/// </summary>
public sealed class TokenChoice : ISelection
{
    /// <inheritdoc />
    public void Select(Tape tape, GatePass pass)
    {
        IDevice device = tape.Device;
        GateOptions options = pass.Options;
        Matrix scores = pass.Scores;
        DeviceSpan<float> bias = pass.ChoiceBias;
        if (options.TopGroups < options.Groups)
        {
            scores = tape.NewMatrix(pass.Scores.Rows, pass.Scores.Columns);
            device.MaskGroups(pass.Scores, bias, options.Groups, options.TopGroups, scores);
            bias = DeviceSpan<float>.Empty;
        }

        int k = options.TopK;
        DeviceSpan<int> choices = tape.Arena.Take<int>(scores.Rows * k);
        device.TopK(scores, bias, pass.Context.Valid, k, choices);
        if (options.SecondChoiceNoise > 0 && pass.Context.Stream(RandomStream.SecondChoice) is { } key)
        {
            device.DrawSecond(pass.NoisyLogits, scores, key, options.SecondChoiceNoise, k, choices);
        }

        pass.Routing.SetChoices(choices, scores.Rows, k);
    }
}

/// <summary>
/// Each expert takes its C best tokens (Zhou et al., arXiv 2202.09368), so that a token may have any number of experts, none included.
/// A row of the routing has a place for every expert: how many the busiest token needs, only the device knows.
/// </summary>
public sealed class ExpertChoice : ISelection
{
    /// <inheritdoc />
    public bool IsBalanced => true;

    /// <inheritdoc />
    public void Select(Tape tape, GatePass pass)
    {
        int rows = pass.Scores.Rows;
        int count = Math.Min(pass.Options.Capacity(pass.Context.ValidCount, pass.Experts), pass.Context.ValidCount);
        DeviceSpan<int> best = tape.Arena.Take<int>(checked(pass.Experts * count));
        tape.Device.TopRows(pass.Scores, pass.Context.Valid, count, best);
        int k = pass.Experts;
        DeviceSpan<int> choices = tape.Arena.Take<int>(checked(rows * k));
        tape.Device.ColumnsOfRows(best, count, k, choices);
        pass.Routing.SetChoices(choices, rows, k);
    }

    /// <summary>The weights are the scores themselves.</summary>
    public bool Renormalises(GateOptions options) => false;

    /// <summary>What experts took, they keep.</summary>
    public int Capacity(GatePass pass) => int.MaxValue;

    /// <summary>What only matters when tokens choose contradicts this selection.</summary>
    public IEnumerable<string> Errors(GateOptions options) => ConfigurationErrors.Of(
        (options.CapacityFactor == 0,
            $"{nameof(options.CapacityFactor)} is 0; expert choice needs a capacity (1 gives each expert its even share)."),
        (options.Priority != SlotPriority.Position,
            $"{nameof(options.Priority)} is {options.Priority}; under expert choice no two tokens compete for a slot in turn."),
        (options.Groups > 1,
            $"{nameof(options.Groups)} is {options.Groups}; under expert choice tokens do not choose, so groups limit nothing."),
        (options.SecondChoiceNoise > 0,
            $"{nameof(options.SecondChoiceNoise)} is {options.SecondChoiceNoise}; under expert choice tokens have no second choice."),
        (options.BiasUpdateRate > 0,
            $"{nameof(options.BiasUpdateRate)} is {options.BiasUpdateRate}; expert choice is balanced without a bias."),
        (options.Balance == BalanceLossKind.LoadImportance,
            $"{nameof(options.Balance)} is {options.Balance}; expert choice is balanced without a loss."));
}

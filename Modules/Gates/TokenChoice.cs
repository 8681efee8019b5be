using MoEActors.Modules.Autograd;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>
/// Each token takes its k best experts by score plus bias, from the best groups alone if they are limited (DeepSeek-V3,
/// arXiv 2412.19437, §2.1.2).
/// </summary>
public sealed class TokenChoice : ISelection
{
    /// <inheritdoc />
    public bool IsBalanced => false;

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
        pass.Routing.Choices = tape.Arena.Take<int>(scores.Rows * k);
        device.TopK(scores, bias, pass.Context.Valid, k, pass.Routing.Choices);
        if (options.SecondChoiceNoise > 0 && pass.Context.Stream(RandomStream.SecondChoice) is { } key)
        {
            device.DrawSecond(pass.NoisyLogits, scores, key, options.SecondChoiceNoise, k, pass.Routing.Choices);
        }

        device.Read(pass.Routing.Choices, pass.Routing.BeginChoices(scores.Rows, k));
    }

    /// <summary>One expert per token keeps its raw score: divided by itself it would be 1 and carry no gradient.</summary>
    public bool Renormalises(GateOptions options) => options.Renormalise && options.TopK > 1;

    /// <inheritdoc />
    public int Capacity(GatePass pass) => pass.Options.Capacity(pass.Context.ValidCount, pass.Experts);
}

using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Gates;

/// <summary>A small decoder with all its experts on one device.</summary>
internal sealed class DecoderRun : IDisposable
{
    private readonly Arena _arena;

    public DecoderRun(ModelConfiguration configuration, MicroBatch? batch = null, bool recompute = false)
    {
        configuration.Validate();
        _arena = new Arena(Device);
        Dense = new ParameterBlock(Device, "", ModelLayout.Dense(configuration));
        Dense.Initialise(configuration.Seed);
        Model = new DecoderModel(configuration, Device, _arena, Dense, layer =>
        {
            ParameterBlock[] blocks =
            [
                .. Enumerable.Range(0, configuration.Experts[layer])
                    .Select(expert => new ParameterBlock(Device, ModelLayout.ExpertPrefix(layer, expert), ModelLayout.Expert(configuration))),
            ];
            Array.ForEach(blocks, block => block.Initialise(configuration.Seed));
            Experts.AddRange(blocks);
            return new SingleProcessExchange([.. blocks.Select(block => block.Parameters)]);
        }, recomputed: [.. configuration.Experts.Select(_ => recompute)]);
        Batch = batch ?? RandomBatch(configuration, seed: 7);
    }

    public CpuDevice Device { get; } = new();

    public ParameterBlock Dense { get; }

    public List<ParameterBlock> Experts { get; } = [];

    public DecoderModel Model { get; }

    public MicroBatch Batch { get; }

    public static ModelConfiguration Small(GateOptions gate) => new()
    {
        Vocabulary = 19,
        Dim = 16,
        Heads = 2,
        KeyValueHeads = 1,
        Hidden = 12,
        Experts = [4, 0, 8],
        MaximumSequence = 9,
        Gate = gate,
    };

    public static MicroBatch RandomBatch(ModelConfiguration model, int seed)
    {
        var random = new Random(seed);
        int[] tokens = [.. Enumerable.Range(0, 3 * model.MaximumSequence).Select(i => i % 11 == 4 ? -1 : random.Next(model.Vocabulary))];
        int[] targets = [.. tokens.Select((token, i) => token < 0 || i + 1 == tokens.Length ? -1 : tokens[i + 1])];
        return new MicroBatch(tokens, targets, model.MaximumSequence);
    }

    /// <summary>Forward and backward from cleared gradients.</summary>
    public MicroBatchLoss Train(MicroBatchPlace place)
    {
        Dense.ClearGradients();
        Experts.ForEach(block => block.ClearGradients());
        return Model.Train(Batch, 1f / Batch.TargetCount, 1f, place);
    }

    public void Dispose()
    {
        Model.Dispose();
        Dense.Dispose();
        Experts.ForEach(block => block.Dispose());
        _arena.Dispose();
        Device.Dispose();
    }
}

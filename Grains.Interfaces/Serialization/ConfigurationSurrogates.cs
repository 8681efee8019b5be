using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Interfaces.Serialization;

/// <summary>A run's definition in a message: the text that checkpoints have too, so that there is one form of it.</summary>
/// <param name="Json">The text.</param>
[GenerateSerializer, Alias("moe.surrogate.run")]
public readonly record struct RunSurrogate([property: Id(0)] string Json);

/// <summary>Converts <see cref="RunConfiguration"/>. What its names stand for does not travel: whoever uses it brings the kinds and validates.</summary>
[RegisterConverter]
public sealed class RunConverter : IConverter<RunConfiguration, RunSurrogate>
{
    /// <inheritdoc />
    public RunConfiguration ConvertFromSurrogate(in RunSurrogate surrogate) => RunConfiguration.Parse(surrogate.Json);

    /// <inheritdoc />
    public RunSurrogate ConvertToSurrogate(in RunConfiguration value) => new(value.ToJson());
}

/// <summary>A gate's options in a message.</summary>
/// <param name="Json">The text that checkpoints have too.</param>
[GenerateSerializer, Alias("moe.surrogate.gate")]
public readonly record struct GateSurrogate([property: Id(0)] string Json);

/// <summary>Converts <see cref="GateOptions"/>.</summary>
[RegisterConverter]
public sealed class GateConverter : IConverter<GateOptions, GateSurrogate>
{
    /// <inheritdoc />
    public GateOptions ConvertFromSurrogate(in GateSurrogate surrogate) => GateOptions.FromJson(surrogate.Json);

    /// <inheritdoc />
    public GateSurrogate ConvertToSurrogate(in GateOptions value) => new(value.ToJson());
}

/// <summary>A routing policy in a message.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="FromStep">The first step that follows it.</param>
/// <param name="Options">The policy.</param>
[GenerateSerializer, Alias("moe.surrogate.policy")]
public readonly record struct PolicySurrogate([property: Id(0)] int Layer, [property: Id(1)] long FromStep, [property: Id(2)] GateOptions Options);

/// <summary>Converts <see cref="GatePolicy"/>.</summary>
[RegisterConverter]
public sealed class PolicyConverter : IConverter<GatePolicy, PolicySurrogate>
{
    /// <inheritdoc />
    public GatePolicy ConvertFromSurrogate(in PolicySurrogate surrogate) => new(surrogate.Layer, surrogate.FromStep, surrogate.Options);

    /// <inheritdoc />
    public PolicySurrogate ConvertToSurrogate(in GatePolicy value) => new(value.Layer, value.FromStep, value.Options);
}

/// <summary>A micro-batch in a message.</summary>
/// <param name="Inputs">[sequences × length] ids; −1 is padding.</param>
/// <param name="Targets">[sequences × length] ids to predict; −1 is masked.</param>
/// <param name="SequenceLength">Length of a sequence.</param>
/// <param name="Documents">[sequences × length] numbers of documents; null where a sequence is one.</param>
[GenerateSerializer, Alias("moe.surrogate.micro-batch")]
public readonly record struct MicroBatchSurrogate(
    [property: Id(0)] int[] Inputs, [property: Id(1)] int[] Targets, [property: Id(2)] int SequenceLength, [property: Id(3)] int[]? Documents);

/// <summary>Converts <see cref="MicroBatch"/>.</summary>
[RegisterConverter]
public sealed class MicroBatchConverter : IConverter<MicroBatch, MicroBatchSurrogate>
{
    /// <inheritdoc />
    public MicroBatch ConvertFromSurrogate(in MicroBatchSurrogate surrogate) =>
        new(surrogate.Inputs, surrogate.Targets, surrogate.SequenceLength) { Documents = surrogate.Documents };

    /// <inheritdoc />
    public MicroBatchSurrogate ConvertToSurrogate(in MicroBatch value) => new(value.Inputs, value.Targets, value.SequenceLength, value.Documents);
}

/// <summary>A written file of tensors in a message.</summary>
/// <param name="Name">Its name in the checkpoint's folder.</param>
/// <param name="Tensors">Names of its tensors.</param>
/// <param name="Bytes">Bytes of their data.</param>
/// <param name="Checksums">Their checksums; null from a worker that takes none.</param>
[GenerateSerializer, Alias("moe.surrogate.file")]
public readonly record struct CheckpointFileSurrogate(
    [property: Id(0)] string Name, [property: Id(1)] string[] Tensors, [property: Id(2)] long Bytes, [property: Id(3)] string[]? Checksums);

/// <summary>Converts <see cref="CheckpointFile"/>.</summary>
[RegisterConverter]
public sealed class CheckpointFileConverter : IConverter<CheckpointFile, CheckpointFileSurrogate>
{
    /// <inheritdoc />
    public CheckpointFile ConvertFromSurrogate(in CheckpointFileSurrogate surrogate) =>
        new(surrogate.Name, surrogate.Tensors, surrogate.Bytes, surrogate.Checksums ?? []);

    /// <inheritdoc />
    public CheckpointFileSurrogate ConvertToSurrogate(in CheckpointFile value) => new(value.Name, [.. value.Tensors], value.Bytes, [.. value.Checksums]);
}

using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Interfaces.Serialization;

/// <summary>Seconds by phase in a message.</summary>
[GenerateSerializer, Alias("moe.surrogate.phases")]
public readonly record struct PhaseSecondsSurrogate(
    [property: Id(0)] double Idle, [property: Id(1)] double Experts, [property: Id(2)] double Attention, [property: Id(3)] double Gate,
    [property: Id(4)] double Exchange, [property: Id(5)] double Dense, [property: Id(6)] double Gradients, [property: Id(7)] double Update);

/// <summary>Converts <see cref="PhaseSeconds"/>.</summary>
[RegisterConverter]
public sealed class PhaseSecondsConverter : IConverter<PhaseSeconds, PhaseSecondsSurrogate>
{
    /// <inheritdoc />
    public PhaseSeconds ConvertFromSurrogate(in PhaseSecondsSurrogate surrogate) => new()
    {
        Idle = surrogate.Idle,
        Experts = surrogate.Experts,
        Attention = surrogate.Attention,
        Gate = surrogate.Gate,
        Exchange = surrogate.Exchange,
        Dense = surrogate.Dense,
        Gradients = surrogate.Gradients,
        Update = surrogate.Update,
    };

    /// <inheritdoc />
    public PhaseSecondsSurrogate ConvertToSurrogate(in PhaseSeconds value) => new(
        value.Idle, value.Experts, value.Attention, value.Gate, value.Exchange, value.Dense, value.Gradients, value.Update);
}

/// <summary>A worker's timing in a message.</summary>
[GenerateSerializer, Alias("moe.surrogate.timing")]
public readonly record struct WorkerTimingSurrogate(
    [property: Id(0)] PhaseSeconds Elapsed, [property: Id(1)] PhaseSeconds Busy, [property: Id(2)] double[] MixtureElapsed,
    [property: Id(3)] double[] MixtureBusy, [property: Id(4)] double HelperSeconds, [property: Id(5)] double[] ExpertsBusy, [property: Id(6)] long SentBytes,
    [property: Id(7)] long SentMessages);

/// <summary>Converts <see cref="WorkerTiming"/>.</summary>
[RegisterConverter]
public sealed class WorkerTimingConverter : IConverter<WorkerTiming, WorkerTimingSurrogate>
{
    /// <inheritdoc />
    public WorkerTiming ConvertFromSurrogate(in WorkerTimingSurrogate surrogate) => new()
    {
        Elapsed = surrogate.Elapsed,
        Busy = surrogate.Busy,
        MixtureElapsed = surrogate.MixtureElapsed,
        MixtureBusy = surrogate.MixtureBusy,
        HelperSeconds = surrogate.HelperSeconds,
        ExpertsBusy = surrogate.ExpertsBusy,
        SentBytes = surrogate.SentBytes,
        SentMessages = surrogate.SentMessages,
    };

    /// <inheritdoc />
    public WorkerTimingSurrogate ConvertToSurrogate(in WorkerTiming value) => new(
        value.Elapsed, value.Busy, value.MixtureElapsed, value.MixtureBusy, value.HelperSeconds, value.ExpertsBusy, value.SentBytes, value.SentMessages);
}

/// <summary>A worker's memory in a message, in bytes.</summary>
[GenerateSerializer, Alias("moe.surrogate.memory")]
public readonly record struct WorkerMemorySurrogate(
    [property: Id(0)] long Budget, [property: Id(1)] long Used, [property: Id(2)] long Model, [property: Id(3)] long Arena,
    [property: Id(4)] long ArenaPeak, [property: Id(5)] long Leaked, [property: Id(6)] long OpenPeak, [property: Id(7)] long StepPeak,
    [property: Id(8)] long TransferPeak, [property: Id(9)] long Copies);

/// <summary>Converts <see cref="WorkerMemory"/>.</summary>
[RegisterConverter]
public sealed class WorkerMemoryConverter : IConverter<WorkerMemory, WorkerMemorySurrogate>
{
    /// <inheritdoc />
    public WorkerMemory ConvertFromSurrogate(in WorkerMemorySurrogate surrogate) => new()
    {
        Budget = surrogate.Budget,
        Used = surrogate.Used,
        Model = surrogate.Model,
        Arena = surrogate.Arena,
        ArenaPeak = surrogate.ArenaPeak,
        Leaked = surrogate.Leaked,
        OpenPeak = surrogate.OpenPeak,
        StepPeak = surrogate.StepPeak,
        TransferPeak = surrogate.TransferPeak,
        Copies = surrogate.Copies,
    };

    /// <inheritdoc />
    public WorkerMemorySurrogate ConvertToSurrogate(in WorkerMemory value) => new(
        value.Budget, value.Used, value.Model, value.Arena, value.ArenaPeak, value.Leaked, value.OpenPeak, value.StepPeak, value.TransferPeak,
        value.Copies);
}

/// <summary>A router's entropy in a message.</summary>
[GenerateSerializer, Alias("moe.surrogate.router")]
public readonly record struct RouterPartSurrogate(
    [property: Id(0)] int MicroBatch, [property: Id(1)] int Layer, [property: Id(2)] long Tokens, [property: Id(3)] double EntropySum);

/// <summary>Converts <see cref="RouterPart"/>.</summary>
[RegisterConverter]
public sealed class RouterPartConverter : IConverter<RouterPart, RouterPartSurrogate>
{
    /// <inheritdoc />
    public RouterPart ConvertFromSurrogate(in RouterPartSurrogate surrogate) =>
        new(surrogate.MicroBatch, surrogate.Layer, surrogate.Tokens, surrogate.EntropySum);

    /// <inheritdoc />
    public RouterPartSurrogate ConvertToSurrogate(in RouterPart value) => new(value.MicroBatch, value.Layer, value.Tokens, value.EntropySum);
}

/// <summary>An auxiliary loss in a message.</summary>
[GenerateSerializer, Alias("moe.surrogate.auxiliary")]
public readonly record struct AuxiliaryPartSurrogate(
    [property: Id(0)] int MicroBatch, [property: Id(1)] int Layer, [property: Id(2)] string Name, [property: Id(3)] double Value,
    [property: Id(4)] double Weighted);

/// <summary>Converts <see cref="AuxiliaryPart"/>.</summary>
[RegisterConverter]
public sealed class AuxiliaryPartConverter : IConverter<AuxiliaryPart, AuxiliaryPartSurrogate>
{
    /// <inheritdoc />
    public AuxiliaryPart ConvertFromSurrogate(in AuxiliaryPartSurrogate surrogate) =>
        new(surrogate.MicroBatch, surrogate.Layer, surrogate.Name, surrogate.Value, surrogate.Weighted);

    /// <inheritdoc />
    public AuxiliaryPartSurrogate ConvertToSurrogate(in AuxiliaryPart value) =>
        new(value.MicroBatch, value.Layer, value.Name, value.Value, value.Weighted);
}

/// <summary>A named loss in a message.</summary>
[GenerateSerializer, Alias("moe.surrogate.loss")]
public readonly record struct NamedLossSurrogate([property: Id(0)] string Name, [property: Id(1)] double Value, [property: Id(2)] double Weighted);

/// <summary>Converts <see cref="NamedLoss"/>.</summary>
[RegisterConverter]
public sealed class NamedLossConverter : IConverter<NamedLoss, NamedLossSurrogate>
{
    /// <inheritdoc />
    public NamedLoss ConvertFromSurrogate(in NamedLossSurrogate surrogate) => new(surrogate.Name, surrogate.Value, surrogate.Weighted);

    /// <inheritdoc />
    public NamedLossSurrogate ConvertToSurrogate(in NamedLoss value) => new(value.Name, value.Value, value.Weighted);
}

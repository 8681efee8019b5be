using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Interfaces.Serialization;

/// <summary>A placement map in a message.</summary>
/// <param name="Version">Version of the map.</param>
/// <param name="Silos">Silo of each rank.</param>
/// <param name="Devices">Device of each rank.</param>
/// <param name="Ranks">By layer and expert: the ranks that hold it, home first.</param>
[GenerateSerializer, Alias("moe.surrogate.map")]
public readonly record struct PlacementMapSurrogate(
    [property: Id(0)] long Version, [property: Id(1)] string[] Silos, [property: Id(2)] int[] Devices, [property: Id(3)] int[][][] Ranks);

/// <summary>Converts <see cref="PlacementMap"/>; what arrives is checked.</summary>
/// <exception cref="PlacementException">It is no valid map.</exception>
[RegisterConverter]
public sealed class PlacementMapConverter : IConverter<PlacementMap, PlacementMapSurrogate>
{
    /// <inheritdoc />
    public PlacementMap ConvertFromSurrogate(in PlacementMapSurrogate surrogate) => PlacementMap.OfReplicas(
        surrogate.Version, [.. surrogate.Silos.Zip(surrogate.Devices, (silo, device) => new WorkerId(silo, device))], surrogate.Ranks);

    /// <inheritdoc />
    public PlacementMapSurrogate ConvertToSurrogate(in PlacementMap value) => new(
        value.Version, [.. value.Workers.Select(worker => worker.Silo)], [.. value.Workers.Select(worker => worker.Device)], value.Ranks());
}

/// <summary>What transient copies cost and save, in a message.</summary>
/// <param name="Row">Computing one row.</param>
/// <param name="RowExchange">All exchanges of one row from another worker.</param>
/// <param name="Weights">The weights of one expert on their way.</param>
/// <param name="Gradient">One gradient on its way home.</param>
/// <param name="Latency">What every copy takes beside its bytes.</param>
/// <param name="GradientPerSegment">Whether every segment sends a gradient of its own.</param>
/// <param name="MostCopies">Copies that a worker has memory for.</param>
[GenerateSerializer, Alias("moe.surrogate.copies")]
public readonly record struct CopyCoefficientsSurrogate(
    [property: Id(0)] long Row, [property: Id(1)] long RowExchange, [property: Id(2)] long Weights, [property: Id(3)] long Gradient,
    [property: Id(4)] long Latency, [property: Id(5)] bool GradientPerSegment, [property: Id(6)] int MostCopies);

/// <summary>Converts <see cref="CopyCoefficients"/>.</summary>
[RegisterConverter]
public sealed class CopyCoefficientsConverter : IConverter<CopyCoefficients, CopyCoefficientsSurrogate>
{
    /// <inheritdoc />
    public CopyCoefficients ConvertFromSurrogate(in CopyCoefficientsSurrogate surrogate) => new()
    {
        Row = surrogate.Row,
        RowExchange = surrogate.RowExchange,
        Weights = surrogate.Weights,
        Gradient = surrogate.Gradient,
        Latency = surrogate.Latency,
        GradientPerSegment = surrogate.GradientPerSegment,
        MostCopies = surrogate.MostCopies,
    };

    /// <inheritdoc />
    public CopyCoefficientsSurrogate ConvertToSurrogate(in CopyCoefficients value) => new(
        value.Row, value.RowExchange, value.Weights, value.Gradient, value.Latency, value.GradientPerSegment, value.MostCopies);
}

/// <summary>How a layer runs, in a message.</summary>
/// <param name="Slices">r.</param>
/// <param name="Overlap">Chunks.</param>
/// <param name="Exchange">How rows cross the hosts.</param>
/// <param name="Copies">Whether busy experts may have copies.</param>
[GenerateSerializer, Alias("moe.surrogate.parallelism")]
public readonly record struct ParallelismChoiceSurrogate(
    [property: Id(0)] int Slices, [property: Id(1)] int Overlap, [property: Id(2)] AllToAll Exchange, [property: Id(3)] bool Copies);

/// <summary>Converts <see cref="ParallelismChoice"/>.</summary>
[RegisterConverter]
public sealed class ParallelismChoiceConverter : IConverter<ParallelismChoice, ParallelismChoiceSurrogate>
{
    /// <inheritdoc />
    public ParallelismChoice ConvertFromSurrogate(in ParallelismChoiceSurrogate surrogate) =>
        new(surrogate.Slices, surrogate.Overlap, surrogate.Exchange, surrogate.Copies);

    /// <inheritdoc />
    public ParallelismChoiceSurrogate ConvertToSurrogate(in ParallelismChoice value) => new(value.Slices, value.Overlap, value.Exchange, value.Copies);
}

/// <summary>An expert's identity in a message.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Expert">Its place in the layer.</param>
[GenerateSerializer, Alias("moe.surrogate.expert")]
public readonly record struct ExpertIdSurrogate([property: Id(0)] int Layer, [property: Id(1)] int Expert);

/// <summary>Converts <see cref="ExpertId"/>.</summary>
[RegisterConverter]
public sealed class ExpertIdConverter : IConverter<ExpertId, ExpertIdSurrogate>
{
    /// <inheritdoc />
    public ExpertId ConvertFromSurrogate(in ExpertIdSurrogate surrogate) => new(surrogate.Layer, surrogate.Expert);

    /// <inheritdoc />
    public ExpertIdSurrogate ConvertToSurrogate(in ExpertId value) => new(value.Layer, value.Expert);
}

/// <summary>A shard's move in a message.</summary>
/// <param name="Layer">Layer of the model.</param>
/// <param name="Expert">Expert of the layer.</param>
/// <param name="From">Rank that sends the state.</param>
/// <param name="To">Rank that receives it.</param>
[GenerateSerializer, Alias("moe.surrogate.move")]
public readonly record struct ShardMoveSurrogate(
    [property: Id(0)] int Layer, [property: Id(1)] int Expert, [property: Id(2)] int From, [property: Id(3)] int To);

/// <summary>Converts <see cref="ShardMove"/>.</summary>
[RegisterConverter]
public sealed class ShardMoveConverter : IConverter<ShardMove, ShardMoveSurrogate>
{
    /// <inheritdoc />
    public ShardMove ConvertFromSurrogate(in ShardMoveSurrogate surrogate) => new(surrogate.Layer, surrogate.Expert, surrogate.From, surrogate.To);

    /// <inheritdoc />
    public ShardMoveSurrogate ConvertToSurrogate(in ShardMove value) => new(value.Layer, value.Expert, value.From, value.To);
}

/// <summary>A cluster's measured rates in a message.</summary>
/// <param name="Rows">Rows of one expert in a round, ascending.</param>
/// <param name="Seconds">Processor seconds of a pass with each.</param>
/// <param name="Bandwidth">Bytes per second between two workers.</param>
[GenerateSerializer, Alias("moe.surrogate.calibration")]
public readonly record struct CalibrationSurrogate([property: Id(0)] long[] Rows, [property: Id(1)] double[] Seconds, [property: Id(2)] double Bandwidth);

/// <summary>Converts <see cref="ClusterCalibration"/>.</summary>
[RegisterConverter]
public sealed class CalibrationConverter : IConverter<ClusterCalibration, CalibrationSurrogate>
{
    /// <inheritdoc />
    public ClusterCalibration ConvertFromSurrogate(in CalibrationSurrogate surrogate) => new(surrogate.Rows, surrogate.Seconds, surrogate.Bandwidth);

    /// <inheritdoc />
    public CalibrationSurrogate ConvertToSurrogate(in ClusterCalibration value) => new(value.Rows, value.Seconds, value.Bandwidth);
}

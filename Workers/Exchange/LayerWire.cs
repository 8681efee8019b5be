using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// How one worker's layer reaches its experts: rows travel to them, to slices of them, or they to the rows, as each pass wants it. All ways are over the same placement, and no
/// parameter moves for the choice.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="placement">Where the layer's experts are.</param>
/// <param name="layout">The tensors of an expert.</param>
/// <param name="blocks">The experts on this worker, ascending.</param>
/// <param name="reproducible">Whether replicas take whole parts.</param>
/// <param name="kept">Memory of a layer's backward pass.</param>
/// <param name="relays">Who shares a host; each rank has its own unless given.</param>
public sealed class LayerWire(
    IDevice device, ICommunicator communicator, LayerPlacement placement, IReadOnlyList<ParameterShape> layout, IReadOnlyList<ParameterBlock> blocks,
    bool reproducible, Arena kept, HostRelays? relays = null)
    : IExpertExchange, IDisposable
{
    // Whole parts are the more general way, and cost a pass over (expert, source) each time: where nothing asks for them, rows go straight to shards.
    private readonly DistributedExpertExchange? _shards = placement.IsSingle || !reproducible
        ? new DistributedExpertExchange(device, communicator, placement, [.. blocks.Select(block => block.Parameters)], relays)
        : null;

    private readonly SummedGradients? _summed = placement.IsSingle || reproducible ? null : new SummedGradients(device, communicator, placement, blocks);
    private readonly SlicedExchange?[] _sliced = new SlicedExchange?[communicator.Size + 1];
    private WholePartExchange? _parts;
    private PartsAtReplicas? _atReplicas;
    private PartsAtSources? _atSources;
    private PartsAtCopies? _atCopies;
    private IRowExchange? _current;

    /// <inheritdoc />
    public int Sources => Current.Sources;

    /// <inheritdoc />
    public ReadOnlySpan<int> SendOrder => Current.SendOrder;

    /// <inheritdoc />
    public ReadOnlySpan<int> SendLengths => Current.SendLengths;

    /// <inheritdoc />
    public ReadOnlySpan<int> SegmentLengths => Current.SegmentLengths;

    /// <inheritdoc />
    public IGradientParts? Parts => Current.Parts;

    /// <summary>How replicas come to the same gradients at the end of a step of the present way; null where no expert has any.</summary>
    internal ReplicaGradients? Replicas => placement.IsSingle ? null : Current switch
    {
        WholePartExchange parts => parts.Gradients,
        SlicedExchange slices => slices.Gradients,
        _ => _summed,
    };

    private IRowExchange Current
    {
        get
        {
            if (_current is null)
            {
                Use(ParallelismChoice.ExpertParallel);
            }

            return _current!;
        }
    }

    /// <summary>Sets what travels from the next pass on; alike on every worker. Allocates nothing but when a way is gone for the first time.</summary>
    /// <param name="choice">What travels; an expert has no more slices than there are workers.</param>
    /// <param name="costs">What transient copies cost and save; where it is not known, all parts are computed at their sources instead.</param>
    public void Use(ParallelismChoice choice, CopyCoefficients? costs = null)
    {
        _current = choice.Slices switch
        {
            0 => ByParts(_atSources ??= new PartsAtSources(placement)),
            > 1 when communicator.Size > 1 => BySlices(Math.Min(choice.Slices, communicator.Size)),
            _ when choice.Copies => ByParts(costs is null ? _atSources ??= new PartsAtSources(placement) : AtCopies(costs)),
            _ => (IRowExchange?)_shards ?? ByParts(_atReplicas ??= new PartsAtReplicas(placement)),
        };
        _current.Crossing = choice.Exchange;
    }

    /// <summary>Rows, experts, slices and gradients of these that went to other workers since the last call.</summary>
    public SentTraffic TakeSent()
    {
        SentTraffic sent = (_shards?.TakeSent() ?? default) + (_parts?.TakeSent() ?? default);
        foreach (SlicedExchange? sliced in _sliced)
        {
            sent += sliced?.TakeSent() ?? default;
        }

        return sent;
    }

    /// <summary>Copies of experts that came to this worker since the last call.</summary>
    public int TakeCopies() => _parts?.TakeCopies() ?? 0;

    /// <inheritdoc />
    public void ExchangeCounts(Tape tape, DeviceSpan<int> counts) => Current.ExchangeCounts(tape, counts);

    /// <inheritdoc />
    public IReadOnlyList<IReadOnlyList<Parameter>> BringExperts(Tape tape) => Current.BringExperts(tape);

    /// <inheritdoc />
    public Matrix Dispatch(Tape tape, in Matrix rows) => Current.Dispatch(tape, rows);

    /// <inheritdoc />
    public Matrix Combine(Tape tape, in Matrix expertRows) => Current.Combine(tape, expertRows);

    private SlicedExchange BySlices(int slices) =>
        _sliced[slices] ??= new SlicedExchange(
            device, communicator, placement, layout, blocks, slices, kept, relays ?? HostRelays.Apart(communicator.Size));

    private WholePartExchange ByParts(PartAssignment assignment)
    {
        _parts ??= new WholePartExchange(device, communicator, placement, layout, blocks, kept, relays);
        _parts.Assignment = assignment;
        return _parts;
    }

    private PartsAtCopies AtCopies(CopyCoefficients costs) =>
        _atCopies is { } known && known.Costs == costs ? known : _atCopies = new PartsAtCopies(placement, costs);

    /// <inheritdoc />
    public void Dispose()
    {
        _shards?.Dispose();
        _parts?.Dispose();
        Array.ForEach(_sliced, sliced => sliced?.Dispose());
    }
}

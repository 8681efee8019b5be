using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// The exchange of one layer over a communicator and a placement: counts are gathered, then every pair of workers exchanges one segment per
/// shard, which arrives where the grouped products want it: by (local expert, source). That is Tutel's flexible layout (§3.2), without
/// a second pass over the rows. Where experts have replicas, every worker shares out all rows alike from the counts of all, by single tokens.
/// </summary>
public sealed class DistributedExpertExchange : IRowExchange, IDisposable
{
    private readonly ICommunicator _communicator;
    private readonly CountedTransfers _transfers;
    private readonly RowTransfers _rowTransfers;
    private readonly IReadOnlyList<IReadOnlyList<Parameter>> _experts;
    private readonly ReplicaSplit? _split;
    private readonly DeviceBuffer _countMemory;
    private readonly DeviceSpan<int> _all;
    private readonly int _shards;

    // Shards as they are sent to, by rank and expert: place in canonical order, expert, rank, rows.
    private readonly int[] _sendShards;
    private readonly int[] _sendOrder;
    private readonly int[] _sendRanks;
    private readonly int[] _sendLengths;
    private readonly int[] _resident;

    // Gathered counts [sources × experts], and rows [sources × shards]: the same array where no expert has replicas.
    private readonly int[] _counts;
    private readonly int[] _rows;
    private readonly int[] _segmentLengths;
    private readonly Segment[] _away;
    private readonly Segment[] _here;
    private int _sentRows;
    private int _residentRows;

    /// <summary>Creates the exchange.</summary>
    /// <param name="device">The worker's device.</param>
    /// <param name="communicator">The view's communicator.</param>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="experts">Parameters of those on this worker, ascending.</param>
    /// <param name="relays">Who shares a host; each rank has its own unless given.</param>
    public DistributedExpertExchange(
        IDevice device, ICommunicator communicator, LayerPlacement placement, IReadOnlyList<IReadOnlyList<Parameter>> experts, HostRelays? relays = null)
    {
        _experts = experts;
        int workers = communicator.Size;
        _communicator = communicator;
        _transfers = new CountedTransfers(communicator);
        _rowTransfers = new RowTransfers(device, communicator, _transfers, relays ?? HostRelays.Apart(workers));
        _shards = placement.Shards;
        (int Shard, int Expert, int Rank)[] order =
        [
            .. Enumerable.Range(0, placement.Experts)
                .SelectMany(expert => placement.RanksOf(expert).ToArray().Select((rank, replica) => (placement.FirstShardOf(expert) + replica, expert, rank)))
                .OrderBy(shard => shard.rank).ThenBy(shard => shard.expert),
        ];
        _sendShards = [.. order.Select(shard => shard.Shard)];
        _sendOrder = [.. order.Select(shard => shard.Expert)];
        _sendRanks = [.. order.Select(shard => shard.Rank)];
        _sendLengths = new int[_shards];
        _resident = [.. order.Where(shard => shard.Rank == communicator.Rank).Select(shard => shard.Shard)];
        _counts = new int[placement.Experts * workers];
        _split = placement.IsSingle ? null : new ReplicaSplit(placement);
        _rows = _split is null ? _counts : new int[_shards * workers];
        _segmentLengths = new int[_resident.Length * workers];
        _away = new Segment[_shards];
        _here = new Segment[_resident.Length * workers];
        _countMemory = device.Allocate(sizeof(int) * (long)_counts.Length);
        _all = _countMemory.As<int>();
    }

    /// <inheritdoc />
    public ReadOnlySpan<int> SendOrder => _sendOrder;

    /// <inheritdoc />
    public int Sources => _communicator.Size;

    /// <inheritdoc />
    public ReadOnlySpan<int> SendLengths => _sendLengths;

    /// <inheritdoc />
    public ReadOnlySpan<int> SegmentLengths => _segmentLengths;

    /// <inheritdoc />
    public IGradientParts? Parts => null;

    /// <summary>After <see cref="ExchangeCounts"/>: rows that a source sends to a shard, alike on every worker.</summary>
    /// <param name="source">Rank of the source.</param>
    /// <param name="shard">Place of the shard among those of the layer in canonical order.</param>
    public int RowsOf(int source, int shard) => _rows[source * _shards + shard];

    /// <summary>Rows that went to other workers since the last call.</summary>
    public SentTraffic TakeSent() => _transfers.TakeSent();

    /// <inheritdoc />
    public AllToAll Crossing { get => _rowTransfers.Crossing; set => _rowTransfers.Crossing = value; }

    /// <inheritdoc />
    public IReadOnlyList<IReadOnlyList<Parameter>> BringExperts(Tape tape) => _experts;

    /// <inheritdoc />
    public void ExchangeCounts(Tape tape, DeviceSpan<int> counts)
    {
        _communicator.AllGather(counts, _all);
        tape.Device.Read(_all, _counts);
        _split?.Split(_counts, _rows);
        _residentRows = 0;
        for (int i = 0; i < _resident.Length; i++)
        {
            for (int source = 0; source < Sources; source++)
            {
                int rows = RowsOf(source, _resident[i]);
                _segmentLengths[i * Sources + source] = rows;
                _residentRows += rows;
            }
        }

        _sentRows = 0;
        for (int i = 0; i < _sendShards.Length; i++)
        {
            int rows = RowsOf(_communicator.Rank, _sendShards[i]);
            _sendLengths[i] = rows;
            _sentRows += rows;
        }

        _rowTransfers.Begin();
        for (int source = 0; source < Sources && _rowTransfers.Expects; source++)
        {
            for (int i = 0; i < _sendShards.Length; i++)
            {
                _rowTransfers.Expect(source, _sendRanks[i], RowsOf(source, _sendShards[i]));
            }
        }
    }

    /// <inheritdoc />
    public Matrix Dispatch(Tape tape, in Matrix rows)
    {
        Matrix arrived = tape.NewOperand(_residentRows, rows.Columns);
        Layout(rows.Columns);
        _rowTransfers.Send(tape, rows, _away, arrived, _here, back: false);
        return arrived;
    }

    /// <inheritdoc />
    public Matrix Combine(Tape tape, in Matrix expertRows)
    {
        Matrix returned = tape.NewOperand(_sentRows, expertRows.Columns);
        Layout(expertRows.Columns);
        _rowTransfers.Send(tape, expertRows, _here, returned, _away, back: true);
        return returned;
    }

    /// <inheritdoc />
    public void Dispose() => _countMemory.Dispose();

    /// <summary>
    /// Segments in elements. Between two workers they pair up by ascending expert on both sides: the sender's order is by destination,
    /// then expert; the receiver's by expert, then source.
    /// </summary>
    private void Layout(int columns)
    {
        int offset = 0;
        for (int i = 0; i < _away.Length; i++)
        {
            int length = _sendLengths[i] * columns;
            _away[i] = new Segment(_sendRanks[i], offset, length);
            offset += length;
        }

        offset = 0;
        for (int i = 0; i < _here.Length; i++)
        {
            int length = _segmentLengths[i] * columns;
            _here[i] = new Segment(i % Sources, offset, length);
            offset += length;
        }
    }
}

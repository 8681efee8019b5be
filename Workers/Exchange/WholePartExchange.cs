using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// The exchange of one layer by whole parts: what a source has for an expert goes to one worker, which need not hold the expert. Rows travel where they are to be
/// computed, weights to those that lack them, and gradients of weights home, where they are added by ascending source: whoever computes a part, the result has
/// the same bits (kernel contract, rule 2).
/// </summary>
internal sealed class WholePartExchange : IRowExchange, IDisposable
{
    private readonly ICommunicator _communicator;
    private readonly CountedTransfers _transfers;
    private readonly RowTransfers _rowTransfers;
    private readonly LayerPlacement _placement;
    private readonly TransientCopies _copies;
    private readonly PartGradients _gradients;
    private readonly DeviceBuffer _countMemory;
    private readonly DeviceSpan<int> _all;

    // [sources × experts] rows, and [experts × sources] who computes them.
    private readonly int[] _counts;
    private readonly int[] _servers;

    // By place in the order of sending: expert and rows; and by expert, who gets them.
    private readonly int[] _sendOrder;
    private readonly int[] _sendLengths;
    private readonly int[] _next;

    // Experts of which this worker computes parts, ascending, and [those × sources] rows.
    private readonly int[] _served;
    private readonly int[] _segmentLengths;
    private int _servedCount;

    private readonly Segment[] _away;
    private readonly Segment[] _here;
    private int _awayCount;
    private int _hereCount;
    private int _sentRows;
    private int _arrivingRows;
    private bool _travels;

    /// <summary>Creates the exchange.</summary>
    /// <param name="device">The worker's device.</param>
    /// <param name="communicator">The view's communicator.</param>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="layout">The tensors of an expert.</param>
    /// <param name="blocks">The experts on this worker, ascending.</param>
    /// <param name="kept">Memory of a layer's backward pass.</param>
    /// <param name="relays">Who shares a host; each rank has its own unless given.</param>
    public WholePartExchange(
        IDevice device, ICommunicator communicator, LayerPlacement placement, IReadOnlyList<ParameterShape> layout, IReadOnlyList<ParameterBlock> blocks, Arena kept,
        HostRelays? relays = null)
    {
        int experts = placement.Experts, workers = communicator.Size;
        ParameterBlock?[] held = HeldExperts.Of(placement, communicator.Rank, blocks);
        _communicator = communicator;
        _transfers = new CountedTransfers(communicator);
        _rowTransfers = new RowTransfers(device, communicator, _transfers, relays ?? HostRelays.Apart(workers));
        _placement = placement;
        int length = checked((int)TransientBlock.LengthOf(layout));
        _copies = new TransientCopies(device, communicator, _transfers, placement, layout, length, held);
        _gradients = new PartGradients(communicator, _transfers, placement, kept, this, length, held);
        Gradients = new HomeGradients(device, communicator, placement, length, held);
        _counts = new int[experts * workers];
        _servers = new int[_counts.Length];
        _sendOrder = [.. Enumerable.Range(0, experts)];
        _sendLengths = new int[experts];
        _next = new int[workers + 1];
        _served = new int[experts];
        _segmentLengths = new int[_counts.Length];
        _away = new Segment[experts];
        _here = new Segment[_counts.Length];
        _countMemory = device.Allocate(sizeof(int) * (long)_counts.Length);
        _all = _countMemory.As<int>();
        Assignment = new PartsAtReplicas(placement);
    }

    /// <summary>Who computes what, from the next pass on; alike on every worker.</summary>
    public PartAssignment Assignment { get; set; }

    /// <inheritdoc />
    public ReadOnlySpan<int> SendOrder => _sendOrder;

    /// <inheritdoc />
    public int Sources => _communicator.Size;

    /// <inheritdoc />
    public ReadOnlySpan<int> SendLengths => _sendLengths;

    /// <inheritdoc />
    public ReadOnlySpan<int> SegmentLengths => _segmentLengths.AsSpan(0, _servedCount * Sources);

    /// <inheritdoc />
    public IGradientParts Parts => _gradients;

    /// <summary>Experts of which this worker computes parts in this pass, ascending.</summary>
    public ReadOnlySpan<int> Served => _served.AsSpan(0, _servedCount);

    /// <summary>How replicas come to the same gradients at the end of a step.</summary>
    public HomeGradients Gradients { get; }

    /// <summary>The rank that computes a part; <see cref="PartAssignment.None"/> where a source has nothing for the expert.</summary>
    public int ServerOf(int expert, int source) => _servers[expert * Sources + source];

    /// <summary>Rows, experts and gradients of these that went to other workers since the last call.</summary>
    public SentTraffic TakeSent() => _transfers.TakeSent();

    /// <summary>Copies of experts that came to this worker since the last call.</summary>
    public int TakeCopies() => _copies.TakeBrought();

    /// <inheritdoc />
    public void ExchangeCounts(Tape tape, DeviceSpan<int> counts)
    {
        _communicator.AllGather(counts, _all);
        tape.Device.Read(_all, _counts);
        Assignment.Assign(_counts, _servers);
        OrderSends();
        ListServed();
        _rowTransfers.Begin();
        for (int part = 0; part < _servers.Length && _rowTransfers.Expects; part++)
        {
            int source = part % Sources;
            if (_servers[part] != PartAssignment.None)
            {
                _rowTransfers.Expect(source, _servers[part], _counts[source * _placement.Experts + part / Sources]);
            }
        }
    }

    /// <inheritdoc />
    public AllToAll Crossing { get => _rowTransfers.Crossing; set => _rowTransfers.Crossing = value; }

    /// <inheritdoc />
    public IReadOnlyList<IReadOnlyList<Parameter>> BringExperts(Tape tape) => _copies.Bring(tape, this);

    /// <inheritdoc />
    public Matrix Dispatch(Tape tape, in Matrix rows)
    {
        if (!_travels)
        {
            return rows;
        }

        Matrix arrived = tape.NewOperand(_arrivingRows, rows.Columns);
        Layout(rows.Columns);
        _rowTransfers.Send(tape, rows, _away.AsSpan(0, _awayCount), arrived, _here.AsSpan(0, _hereCount), back: false);
        return arrived;
    }

    /// <inheritdoc />
    public Matrix Combine(Tape tape, in Matrix expertRows)
    {
        if (!_travels)
        {
            return expertRows;
        }

        Matrix returned = tape.NewOperand(_sentRows, expertRows.Columns);
        Layout(expertRows.Columns);
        _rowTransfers.Send(tape, expertRows, _here.AsSpan(0, _hereCount), returned, _away.AsSpan(0, _awayCount), back: true);
        return returned;
    }

    /// <inheritdoc />
    public void Dispose() => _countMemory.Dispose();

    /// <summary>Experts by the worker that gets this one's rows, then by number; those without rows come last.</summary>
    private void OrderSends()
    {
        int experts = _placement.Experts, own = _communicator.Rank;
        Array.Clear(_next);
        for (int expert = 0; expert < experts; expert++)
        {
            int server = ServerOf(expert, own);
            if (server != PartAssignment.None && server + 1 < Sources)
            {
                _next[server + 1]++;
            }

            _next[Sources] += server == PartAssignment.None ? 0 : 1;
        }

        for (int rank = 1; rank < Sources; rank++)
        {
            _next[rank] += _next[rank - 1];
        }

        _sentRows = 0;
        for (int expert = 0; expert < experts; expert++)
        {
            int server = ServerOf(expert, own);
            int place = _next[server == PartAssignment.None ? Sources : server]++;
            _sendOrder[place] = expert;
            _sendLengths[place] = _counts[own * experts + expert];
            _sentRows += _sendLengths[place];
        }
    }

    private void ListServed()
    {
        _servedCount = 0;
        _arrivingRows = 0;
        _travels = false;
        for (int expert = 0; expert < _placement.Experts; expert++)
        {
            Span<int> lengths = _segmentLengths.AsSpan(_servedCount * Sources, Sources);
            bool served = false;
            for (int source = 0; source < Sources; source++)
            {
                int server = ServerOf(expert, source);
                bool here = server == _communicator.Rank;
                _travels |= server != PartAssignment.None && server != source;
                lengths[source] = here ? _counts[source * _placement.Experts + expert] : 0;
                _arrivingRows += lengths[source];
                served |= here;
            }

            if (served)
            {
                _served[_servedCount++] = expert;
            }
        }
    }

    /// <summary>
    /// Segments in elements, of parts that have rows. Between two workers they pair up by ascending expert on both sides: the sender's order is by destination,
    /// then expert; the receiver's by expert, then source.
    /// </summary>
    private void Layout(int columns)
    {
        _awayCount = 0;
        int offset = 0;
        for (int i = 0; i < _sendOrder.Length && _sendLengths[i] > 0; i++)
        {
            int length = _sendLengths[i] * columns;
            _away[_awayCount++] = new Segment(ServerOf(_sendOrder[i], _communicator.Rank), offset, length);
            offset += length;
        }

        _hereCount = _rowTransfers.Place(SegmentLengths, columns, _here);
    }
}

using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// The exchange of one layer by slices: every row goes to r workers, each of which computes a slice of its expert's hidden units, and the r partial outputs that come back are added, in the
/// order of slices; gradients of the rows likewise (r &gt; 1 in Tutel, arXiv 2206.03382, §3.1). The slices of a worker that does not hold the expert come from its home for the pass
/// (<see cref="SlicedWeights"/>), and their gradients go there (<see cref="SlicedGradients"/>): parameters lie as they always do. The sums are others than those of whole experts, so results
/// agree with theirs within rounding.
/// </summary>
internal sealed class SlicedExchange : IRowExchange, IDisposable
{
    private readonly ICommunicator _communicator;
    private readonly CountedTransfers _transfers;
    private readonly RowTransfers _rowTransfers;
    private readonly SliceServers _servers;
    private readonly SlicedWeights _weights;
    private readonly SlicedGradients _gradients;
    private readonly DeviceBuffer _countMemory;
    private readonly DeviceSpan<int> _all;

    // [sources × experts] rows; by expert, those of this worker and those of all.
    private readonly int[] _counts;
    private readonly int[] _sendOrder;
    private readonly int[] _sendLengths;
    private readonly int[] _rows;

    // Slices that this worker computes, by ascending expert, of which it has one at most; and [those × sources] rows.
    private readonly ServedSlice[] _served;
    private readonly int[] _segmentLengths;
    private int _servedCount;

    private readonly Segment[] _away;
    private readonly Segment[] _here;
    private int _awayCount;
    private int _hereCount;
    private int _sentRows;
    private int _arrivingRows;

    /// <summary>Creates the exchange.</summary>
    /// <param name="device">The worker's device.</param>
    /// <param name="communicator">The view's communicator.</param>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="layout">The tensors of an expert.</param>
    /// <param name="blocks">The experts on this worker, ascending.</param>
    /// <param name="slices">r, from 1 to the number of workers and of hidden units.</param>
    /// <param name="kept">Memory of a layer's backward pass.</param>
    /// <param name="relays">Who shares a host.</param>
    public SlicedExchange(
        IDevice device, ICommunicator communicator, LayerPlacement placement, IReadOnlyList<ParameterShape> layout, IReadOnlyList<ParameterBlock> blocks, int slices,
        Arena kept, HostRelays relays)
    {
        int experts = placement.Experts, workers = communicator.Size;
        ParameterBlock?[] held = HeldExperts.Of(placement, communicator.Rank, blocks);
        var sliced = new SlicedLayout(layout, slices);
        _communicator = communicator;
        _transfers = new CountedTransfers(communicator);
        _rowTransfers = new RowTransfers(device, communicator, _transfers, relays);
        _servers = new SliceServers(placement, slices);
        _weights = new SlicedWeights(device, communicator, _transfers, placement, this, sliced, held);
        _gradients = new SlicedGradients(device, communicator, _transfers, placement, kept, this, sliced, held, _weights);
        Gradients = new HomeGradients(device, communicator, placement, sliced.ExpertLength, held);
        _counts = new int[experts * workers];
        _sendOrder = [.. Enumerable.Range(0, experts)];
        _sendLengths = new int[experts];
        _rows = new int[experts];
        _served = new ServedSlice[experts];
        _segmentLengths = new int[experts * workers];
        _away = new Segment[experts * slices];
        _here = new Segment[experts * workers];
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
    public ReadOnlySpan<int> SegmentLengths => _segmentLengths.AsSpan(0, _servedCount * Sources);

    /// <inheritdoc />
    public IGradientParts Parts => _gradients;

    /// <summary>r.</summary>
    public int Slices => _servers.Slices;

    /// <summary>The slices that this worker computes in this pass, by ascending expert.</summary>
    public ReadOnlySpan<ServedSlice> Served => _served.AsSpan(0, _servedCount);

    /// <summary>How replicas come to the same gradients at the end of a step.</summary>
    public HomeGradients Gradients { get; }

    /// <summary>By slice: the rank that computes it in this pass; none where no worker has rows for the expert.</summary>
    public ReadOnlySpan<int> ServersOf(int expert) => _rows[expert] == 0 ? [] : _servers.Of(expert);

    /// <summary>Rows, slices and gradients of these that went to other workers since the last call.</summary>
    public SentTraffic TakeSent() => _transfers.TakeSent();

    /// <inheritdoc />
    public void ExchangeCounts(Tape tape, DeviceSpan<int> counts)
    {
        _communicator.AllGather(counts, _all);
        tape.Device.Read(_all, _counts);
        _servedCount = 0;
        _sentRows = 0;
        _arrivingRows = 0;
        int experts = _rows.Length;
        for (int expert = 0; expert < experts; expert++)
        {
            _rows[expert] = 0;
            for (int source = 0; source < Sources; source++)
            {
                _rows[expert] += RowsOf(source, expert);
            }

            _sendLengths[expert] = RowsOf(_communicator.Rank, expert);
            _sentRows += _sendLengths[expert];
            int slice = ServersOf(expert).IndexOf(_communicator.Rank);
            if (slice < 0)
            {
                continue;
            }

            for (int source = 0; source < Sources; source++)
            {
                _segmentLengths[_servedCount * Sources + source] = RowsOf(source, expert);
            }

            _served[_servedCount++] = new ServedSlice(expert, slice);
            _arrivingRows += _rows[expert];
        }

        ExpectRows();
    }

    /// <inheritdoc />
    public AllToAll Crossing { get => _rowTransfers.Crossing; set => _rowTransfers.Crossing = value; }

    /// <inheritdoc />
    public IReadOnlyList<IReadOnlyList<Parameter>> BringExperts(Tape tape) => _weights.Bring(tape);

    /// <inheritdoc />
    public Matrix Dispatch(Tape tape, in Matrix rows)
    {
        Matrix arrived = tape.NewOperand(_arrivingRows, rows.Columns);

        // The same rows go to every slice.
        Layout(rows.Columns, betweenSlices: 0);
        _rowTransfers.Send(tape, rows, _away.AsSpan(0, _awayCount), arrived, _here.AsSpan(0, _hereCount), back: false);
        return arrived;
    }

    /// <inheritdoc />
    public Matrix Combine(Tape tape, in Matrix expertRows)
    {
        Matrix sum = tape.NewOperand(_sentRows, expertRows.Columns);
        ArenaMark mark = tape.Arena.Mark();
        Matrix partial = tape.NewOperand(checked(_sentRows * Slices), expertRows.Columns);
        Layout(expertRows.Columns, checked(_sentRows * expertRows.Columns));
        _rowTransfers.Send(tape, expertRows, _here.AsSpan(0, _hereCount), partial, _away.AsSpan(0, _awayCount), back: true);
        AddSlices(tape, partial, sum);
        tape.Arena.Release(mark);
        return sum;
    }

    /// <inheritdoc />
    public void Dispose() => _countMemory.Dispose();

    private void ExpectRows()
    {
        _rowTransfers.Begin();
        for (int expert = 0; expert < _rows.Length && _rowTransfers.Expects; expert++)
        {
            foreach (int server in ServersOf(expert))
            {
                for (int source = 0; source < Sources; source++)
                {
                    _rowTransfers.Expect(source, server, RowsOf(source, expert));
                }
            }
        }
    }

    private int RowsOf(int source, int expert) => _counts[source * _rows.Length + expert];

    /// <summary>Adds what came back of all slices, in fp32 whatever the elements.</summary>
    private void AddSlices(Tape tape, in Matrix partial, in Matrix sum)
    {
        bool rounded = partial.Element != ElementType.F32;
        Matrix wide = rounded ? tape.NewMatrix(sum.Rows, sum.Columns) : sum, next = rounded ? tape.NewMatrix(sum.Rows, sum.Columns) : default;
        tape.Device.Convert(partial.SliceRows(0, sum.Rows), wide);
        for (int slice = 1; slice < Slices; slice++)
        {
            Matrix part = partial.SliceRows(slice * sum.Rows, sum.Rows);
            if (rounded)
            {
                tape.Device.Convert(part, next);
                part = next;
            }

            tape.Device.Add(part.Data.Slice(0, wide.Data.Length), wide.Data);
        }

        if (rounded)
        {
            tape.Device.Convert(wide, sum);
        }
    }

    /// <summary>
    /// Segments in elements, of what has rows. Between two workers they pair up by ascending expert on both sides, as no worker computes two slices of one.
    /// </summary>
    /// <param name="columns">Elements of a row.</param>
    /// <param name="betweenSlices">On this worker's side: elements from the rows of one slice to those of the next.</param>
    private void Layout(int columns, int betweenSlices)
    {
        _awayCount = 0;
        int offset = 0;
        for (int expert = 0; expert < _sendLengths.Length; expert++)
        {
            int length = _sendLengths[expert] * columns, slice = 0;
            foreach (int server in length > 0 ? ServersOf(expert) : [])
            {
                _away[_awayCount++] = new Segment(server, checked(offset + slice++ * betweenSlices), length);
            }

            offset += length;
        }

        _hereCount = _rowTransfers.Place(SegmentLengths, columns, _here);
    }
}

/// <summary>A slice of an expert.</summary>
/// <param name="Expert">The expert.</param>
/// <param name="Slice">Number of the slice.</param>
internal readonly record struct ServedSlice(int Expert, int Slice);

using MoEActors.Modules.Autograd;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;

namespace MoEActors.Grains.Exchange;

/// <summary>
/// The exchange of one layer over a communicator and a placement: counts are gathered, then every pair of workers exchanges one segment per
/// expert, which lands where the grouped products want it: by (resident expert, source). That is Tutel's flexible layout (§3.2), without
/// a second pass over the rows.
/// </summary>
internal sealed class DistributedExpertExchange : IExpertExchange, IDisposable
{
    private readonly ICommunicator _communicator;
    private readonly DeviceBuffer _countMemory;
    private readonly DeviceSpan<int> _mine;
    private readonly DeviceSpan<int> _all;
    private readonly int[] _ranks;
    private readonly int[] _sendOrder;
    private readonly int[] _resident;
    private readonly int[] _counts;
    private readonly int[] _segmentLengths;
    private readonly Segment[] _away;
    private readonly Segment[] _here;
    private int _sentRows;
    private int _residentRows;

    /// <summary>Creates the exchange.</summary>
    /// <param name="device">The worker's device.</param>
    /// <param name="communicator">The epoch's communicator.</param>
    /// <param name="ranks">The rank of each expert of the layer.</param>
    public DistributedExpertExchange(IDevice device, ICommunicator communicator, IReadOnlyList<int> ranks)
    {
        int experts = ranks.Count;
        int workers = communicator.Size;
        _communicator = communicator;
        _ranks = [.. ranks];
        _sendOrder = [.. Enumerable.Range(0, experts).OrderBy(expert => ranks[expert]).ThenBy(expert => expert)];
        _resident = [.. Enumerable.Range(0, experts).Where(expert => ranks[expert] == communicator.Rank)];
        _counts = new int[experts * workers];
        _segmentLengths = new int[_resident.Length * workers];
        _away = new Segment[experts];
        _here = new Segment[_resident.Length * workers];
        _countMemory = device.Allocate(sizeof(int) * (long)experts * (workers + 1));
        DeviceSpan<int> memory = _countMemory.As<int>();
        _mine = memory.Slice(0, experts);
        _all = memory.Slice(experts, experts * workers);
    }

    /// <inheritdoc />
    public ReadOnlySpan<int> SendOrder => _sendOrder;

    /// <inheritdoc />
    public int Sources => _communicator.Size;

    /// <inheritdoc />
    public ReadOnlySpan<int> SegmentLengths => _segmentLengths;

    /// <inheritdoc />
    public void Plan(Tape tape, ReadOnlySpan<int> counts)
    {
        tape.Device.Write(counts, _mine);
        _communicator.AllGather(_mine, _all);
        tape.Device.Read(_all, _counts);
        _residentRows = 0;
        for (int i = 0; i < _resident.Length; i++)
        {
            for (int source = 0; source < Sources; source++)
            {
                int rows = _counts[source * _ranks.Length + _resident[i]];
                _segmentLengths[i * Sources + source] = rows;
                _residentRows += rows;
            }
        }

        _sentRows = 0;
        foreach (int rows in counts)
        {
            _sentRows += rows;
        }
    }

    /// <inheritdoc />
    public Matrix ToExperts(Tape tape, in Matrix rows)
    {
        Matrix arrived = tape.NewMatrix(_residentRows, rows.Columns);
        Layout(rows.Columns);
        _communicator.AllToAll(rows.Data, _away, arrived.Data, _here);
        return arrived;
    }

    /// <inheritdoc />
    public Matrix FromExperts(Tape tape, in Matrix expertRows)
    {
        Matrix returned = tape.NewMatrix(_sentRows, expertRows.Columns);
        Layout(expertRows.Columns);
        _communicator.AllToAll(expertRows.Data, _here, returned.Data, _away);
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
        int own = _communicator.Rank * _ranks.Length;
        int offset = 0;
        for (int i = 0; i < _sendOrder.Length; i++)
        {
            int expert = _sendOrder[i];
            int length = _counts[own + expert] * columns;
            _away[i] = new Segment(_ranks[expert], offset, length);
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

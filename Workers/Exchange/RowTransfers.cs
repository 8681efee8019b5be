using MoEActors.Modules.Autograd;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// How rows of one layer get from worker to worker. Linear: straight, a message for every pair. Hierarchical: rows are laid together by the worker of the own host that passes them on, go there,
/// and go on from there, with those of its neighbours, in one message to each other host (2DH all-to-all: Tutel, arXiv 2206.03382, §3.2). Nothing is computed, so both bring the same bits.
/// Every worker knows from the counts how many rows go between any two, and so does whoever passes them on.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="transfers">What travels, counted.</param>
/// <param name="relays">Who shares a host.</param>
internal sealed class RowTransfers(IDevice device, ICommunicator communicator, CountedTransfers transfers, HostRelays relays)
{
    private readonly int[] _pairs = new int[communicator.Size * communicator.Size];
    private readonly int[] _places = new int[communicator.Size];
    private readonly int[] _passed = new int[communicator.Size * communicator.Size];
    private readonly Segment[] _away = new Segment[communicator.Size * communicator.Size];
    private readonly Segment[] _here = new Segment[communicator.Size * communicator.Size];

    /// <summary>How rows cross the hosts from the next pass on; alike on every worker.</summary>
    public AllToAll Crossing { get; set => field = relays.HasLevels ? value : AllToAll.Linear; }

    /// <summary>Whether it has to be told of all rows that go between workers in a pass (<see cref="Expect"/>), since some are passed on.</summary>
    public bool Expects => Crossing != AllToAll.Linear;

    /// <summary>Begins a pass.</summary>
    public void Begin() => Array.Clear(_pairs);

    /// <summary>Says that rows go from a worker to another in this pass.</summary>
    public void Expect(int from, int to, int rows) => _pairs[(from * communicator.Size) + to] += rows;

    /// <summary>Where rows arrive, behind one another: segments of those that are not empty.</summary>
    /// <param name="lengths">[experts × sources] rows.</param>
    /// <param name="columns">Elements of a row.</param>
    /// <param name="segments">Takes the segments, in elements.</param>
    /// <returns>Their number.</returns>
    public int Place(ReadOnlySpan<int> lengths, int columns, Span<Segment> segments)
    {
        int count = 0, offset = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] > 0)
            {
                int length = lengths[i] * columns;
                segments[count++] = new Segment(i % communicator.Size, offset, length);
                offset += length;
            }
        }

        return count;
    }

    /// <summary>Sends rows, or brings back what has become of them.</summary>
    /// <param name="tape">The tape of the pass.</param>
    /// <param name="from">What is sent.</param>
    /// <param name="sent">Segments of it, in elements.</param>
    /// <param name="to">Where rows arrive.</param>
    /// <param name="received">Segments of that.</param>
    /// <param name="back">Whether rows go back to where they came from.</param>
    public void Send(Tape tape, in Matrix from, ReadOnlySpan<Segment> sent, in Matrix to, ReadOnlySpan<Segment> received, bool back)
    {
        if (!Expects)
        {
            transfers.AllToAll(from, sent, to, received);
        }
        else if (from.Element == ElementType.F32)
        {
            Relay(tape, from.Data, sent, to.Data, received, from.Columns, back);
        }
        else
        {
            Relay(tape, from.RoundedData, sent, to.RoundedData, received, from.Columns, back);
        }
    }

    private void Relay<T>(
        Tape tape, DeviceSpan<T> from, ReadOnlySpan<Segment> sent, DeviceSpan<T> to, ReadOnlySpan<Segment> received, int columns, bool back)
        where T : unmanaged
    {
        ArenaMark mark = tape.Arena.Mark();
        DeviceSpan<T> passed = PassOn(tape, from, sent, columns, back);
        int own = communicator.Rank, away = 0, here = 0, length = 0;
        ReadOnlySpan<int> beside = relays.Beside(own);
        for (int rank = 0; rank < communicator.Size; rank++)
        {
            // To a rank in the order of sources, as that expects it of every host.
            for (int i = 0; i < beside.Length && relays.Of(own, rank) == own; i++)
            {
                away = Add(_away, away, rank, _passed[(i * communicator.Size) + rank], Elements(beside[i], rank, columns, back));
            }

            int arriving = Elements(rank, own, columns, back);
            _places[rank] = length;
            here = Add(_here, here, relays.Of(rank, own), length, arriving);
            length = checked(length + arriving);
        }

        DeviceSpan<T> arrived = tape.Arena.Take<T>(length);
        transfers.AllToAll(passed, _away.AsSpan(0, away), arrived, _here.AsSpan(0, here));
        foreach (Segment segment in received)
        {
            device.Copy(arrived.Slice(_places[segment.Peer], segment.Count), to.Slice(segment.Offset, segment.Count));
            _places[segment.Peer] += segment.Count;
        }

        tape.Arena.Release(mark);
    }

    /// <summary>Inside the host: what goes to a rank of any host comes to the rank that passes it on.</summary>
    /// <returns>What this worker is to pass on, by (source, destination); <see cref="_passed"/> says where.</returns>
    private DeviceSpan<T> PassOn<T>(Tape tape, DeviceSpan<T> from, ReadOnlySpan<Segment> sent, int columns, bool back)
        where T : unmanaged
    {
        int own = communicator.Rank, away = 0, here = 0, leaving = 0, passing = 0;
        ReadOnlySpan<int> beside = relays.Beside(own);
        for (int i = 0; i < beside.Length; i++)
        {
            int left = leaving, came = passing;
            for (int rank = 0; rank < communicator.Size; rank++)
            {
                if (relays.Of(own, rank) == beside[i])
                {
                    _places[rank] = leaving;
                    leaving = checked(leaving + Elements(own, rank, columns, back));
                }

                if (relays.Of(own, rank) == own)
                {
                    _passed[(i * communicator.Size) + rank] = passing;
                    passing = checked(passing + Elements(beside[i], rank, columns, back));
                }
            }

            away = Add(_away, away, beside[i], left, leaving - left);
            here = Add(_here, here, beside[i], came, passing - came);
        }

        DeviceSpan<T> together = tape.Arena.Take<T>(leaving), passed = tape.Arena.Take<T>(passing);
        foreach (Segment segment in sent)
        {
            device.Copy(from.Slice(segment.Offset, segment.Count), together.Slice(_places[segment.Peer], segment.Count));
            _places[segment.Peer] += segment.Count;
        }

        transfers.AllToAll(together, _away.AsSpan(0, away), passed, _here.AsSpan(0, here));
        return passed;
    }

    private int Elements(int from, int to, int columns, bool back) =>
        checked((back ? _pairs[(to * communicator.Size) + from] : _pairs[(from * communicator.Size) + to]) * columns);

    /// <summary>Adds a segment that is not empty.</summary>
    private static int Add(Segment[] segments, int count, int peer, int offset, int length)
    {
        if (length > 0)
        {
            segments[count++] = new Segment(peer, offset, length);
        }

        return count;
    }
}

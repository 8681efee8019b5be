using System.Runtime.InteropServices;
using MoEActors.Modules.Autograd;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Copies of experts that live for one pass: the home of an expert sends its values, without gradients and moments, to every worker that computes parts of it
/// and does not hold it. They lie in the memory of the pass, so that a layer that is computed again asks for them again.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="transfers">What travels in passes, counted.</param>
/// <param name="placement">Where the experts are.</param>
/// <param name="layout">The tensors of an expert.</param>
/// <param name="length">Elements of an expert.</param>
/// <param name="held">By expert: its block on this worker; null where it holds none.</param>
internal sealed class TransientCopies(
    IDevice device, ICommunicator communicator, CountedTransfers transfers, LayerPlacement placement, IReadOnlyList<ParameterShape> layout, int length, ParameterBlock?[] held)
{
    private readonly List<TransientBlock> _copies = [];
    private readonly List<IReadOnlyList<Parameter>> _experts = [];
    private readonly List<Segment> _away = [];
    private readonly List<Segment> _here = [];
    private readonly List<int> _lent = [];
    private readonly bool[] _servers = new bool[communicator.Size];
    private int _brought;

    /// <summary>Copies that came to this worker since the last call.</summary>
    public int TakeBrought()
    {
        int brought = _brought;
        _brought = 0;
        return brought;
    }

    /// <summary>The parameters of the experts that this worker computes in a pass, in the order of <see cref="WholePartExchange.Served"/>.</summary>
    public IReadOnlyList<IReadOnlyList<Parameter>> Bring(Tape tape, WholePartExchange exchange)
    {
        if (ListCopies(exchange))
        {
            Copy(tape);
        }

        _experts.Clear();
        int next = 0;
        foreach (int expert in exchange.Served)
        {
            _experts.Add(held[expert]?.Parameters ?? _copies[next++].Parameters);
        }

        return _experts;
    }

    /// <summary>Who sends what to whom, by ascending expert and receiver on both sides.</summary>
    /// <returns>Whether anything travels, alike on every worker.</returns>
    private bool ListCopies(WholePartExchange exchange)
    {
        _away.Clear();
        _here.Clear();
        _lent.Clear();
        bool travels = false;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            int home = placement.RanksOf(expert)[0];
            FindServers(exchange, expert);
            bool lent = false;
            for (int rank = 0; rank < communicator.Size; rank++)
            {
                if (!_servers[rank] || placement.Holds(expert, rank))
                {
                    continue;
                }

                travels = true;
                if (home == communicator.Rank)
                {
                    _away.Add(new Segment(rank, checked(_lent.Count * length), length));
                    lent = true;
                }
                else if (rank == communicator.Rank)
                {
                    _here.Add(new Segment(home, checked(_here.Count * length), length));
                }
            }

            if (lent)
            {
                _lent.Add(expert);
            }
        }

        return travels;
    }

    private void Copy(Tape tape)
    {
        _brought += _here.Count;
        DeviceSpan<float> arrived = tape.Arena.Take<float>(checked(_here.Count * length));
        while (_copies.Count < _here.Count)
        {
            _copies.Add(new TransientBlock(device, layout));
        }

        // What is sent lies in one piece, which is free again when it has gone.
        ArenaMark mark = tape.Arena.Mark();
        DeviceSpan<float> packed = tape.Arena.Take<float>(checked(_lent.Count * length));
        for (int i = 0; i < _lent.Count; i++)
        {
            device.Copy(held[_lent[i]]!.Values, packed.Slice(i * length, length));
        }

        transfers.AllToAll(packed, CollectionsMarshal.AsSpan(_away), arrived, CollectionsMarshal.AsSpan(_here));
        tape.Arena.Release(mark);
        for (int i = 0; i < _here.Count; i++)
        {
            _copies[i].Bind(arrived.Slice(i * length, length), tape.Arena);
        }
    }

    /// <summary>By rank: whether it computes parts of the expert.</summary>
    private void FindServers(WholePartExchange exchange, int expert)
    {
        Array.Clear(_servers);
        for (int source = 0; source < exchange.Sources; source++)
        {
            if (exchange.ServerOf(expert, source) is int rank and not PartAssignment.None)
            {
                _servers[rank] = true;
            }
        }
    }
}

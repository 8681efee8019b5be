namespace MoEActors.Workers.Exchange;

/// <summary>
/// Replicas that share micro-batches: each sums its own parts over the step; at its end every replica adds one piece of the gradient over all
/// replicas, in their order, and gives it to the others. The result is alike on all of them, and within rounding that of a single copy.
/// </summary>
internal sealed class SummedGradients : ReplicaGradients
{
    private readonly IDevice _device;
    private readonly ICommunicator _communicator;
    private readonly ReplicaGroup[] _held;
    private readonly int _length;

    // By expert and other replica: the piece that it adds, the piece that is added here, and where its share of that arrives.
    private readonly Segment[] _theirs;
    private readonly Segment[] _own;
    private readonly Segment[] _arriving;
    private readonly int _arrivingLength;

    /// <param name="device">The worker's device.</param>
    /// <param name="communicator">The view's communicator.</param>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="blocks">The experts on this worker, ascending.</param>
    public SummedGradients(IDevice device, ICommunicator communicator, LayerPlacement placement, IReadOnlyList<ParameterBlock> blocks)
    {
        _device = device;
        _communicator = communicator;
        _held = ReplicaGroup.Of(placement, communicator.Rank, blocks);
        _length = _held.Length == 0 ? 0 : _held[0].Block.Values.Length;
        List<Segment> theirs = [], own = [], arriving = [];
        for (int i = 0; i < _held.Length; i++)
        {
            int[] ranks = _held[i].Ranks;
            (int ownStart, int ownCount) = ICommunicator.OwnedRange(_length, _held[i].Own, ranks.Length);
            for (int replica = 0; replica < ranks.Length; replica++)
            {
                if (replica != _held[i].Own)
                {
                    (int start, int count) = ICommunicator.OwnedRange(_length, replica, ranks.Length);
                    theirs.Add(new Segment(ranks[replica], checked(i * _length) + start, count));
                    own.Add(new Segment(ranks[replica], i * _length + ownStart, ownCount));
                    arriving.Add(new Segment(ranks[replica], _arrivingLength, ownCount));
                    _arrivingLength = checked(_arrivingLength + ownCount);
                }
            }
        }

        (_theirs, _own, _arriving) = ([.. theirs], [.. own], [.. arriving]);
    }

    public override void EndStep(Arena arena)
    {
        DeviceSpan<float> packed = arena.Take<float>(checked(_held.Length * _length));
        for (int i = 0; i < _held.Length; i++)
        {
            _device.Copy(_held[i].Block.Gradients, packed.Slice(i * _length, _length));
        }

        DeviceSpan<float> arrived = arena.Take<float>(_arrivingLength);
        _communicator.AllToAll(packed, _theirs, arrived, _arriving);
        int next = 0;
        for (int i = 0; i < _held.Length; i++)
        {
            int others = _held[i].Ranks.Length - 1;
            (int start, int count) = ICommunicator.OwnedRange(_length, _held[i].Own, others + 1);
            Add(_held[i], packed.Slice(i * _length + start, count), arrived.Slice(next, count * others));
            next += count * others;
        }

        _communicator.AllToAll(packed, _own, packed, _theirs);
        for (int i = 0; i < _held.Length; i++)
        {
            _device.Copy(packed.Slice(i * _length, _length), _held[i].Block.Gradients);
        }
    }

    /// <summary>Adds in the order of replicas, in the memory of replica 0's piece.</summary>
    private void Add(ReplicaGroup group, DeviceSpan<float> own, DeviceSpan<float> others)
    {
        DeviceSpan<float> sum = group.Own == 0 ? own : others.Slice(0, own.Length);
        int next = group.Own == 0 ? 0 : 1;
        for (int replica = 1; replica < group.Ranks.Length; replica++)
        {
            _device.Add(replica == group.Own ? own : others.Slice(next++ * own.Length, own.Length), sum);
        }

        if (group.Own != 0)
        {
            _device.Copy(sum, own);
        }
    }
}

/// <summary>The replicas of one expert that has several, as one worker that holds one sees them. Replica 0 is the expert's home.</summary>
/// <param name="Ranks">Rank of each replica.</param>
/// <param name="Own">Number of this worker's replica.</param>
/// <param name="Block">This worker's replica.</param>
internal sealed record ReplicaGroup(int[] Ranks, int Own, ParameterBlock Block)
{
    /// <summary>The experts with several replicas of which a worker holds one, ascending.</summary>
    /// <param name="placement">Where the layer's experts are.</param>
    /// <param name="rank">The worker's rank.</param>
    /// <param name="blocks">The experts on this worker, ascending.</param>
    public static ReplicaGroup[] Of(LayerPlacement placement, int rank, IReadOnlyList<ParameterBlock> blocks)
    {
        List<ReplicaGroup> groups = [];
        int held = 0;
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            int[] ranks = placement.RanksOf(expert).ToArray();
            int own = Array.IndexOf(ranks, rank);
            ParameterBlock? block = own < 0 ? null : blocks[held++];
            if (block is not null && ranks.Length > 1)
            {
                groups.Add(new ReplicaGroup(ranks, own, block));
            }
        }

        return [.. groups];
    }
}

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Replicas that share micro-batches: each sums its own parts over the step; at its end every replica adds one piece of the gradient over all
/// replicas, in their order, and gives it to the others. The result is alike on all of them, and within rounding that of a single copy.
/// </summary>
internal sealed class SummedGradients : ReplicaGradients
{
    private readonly IDevice _device;
    private readonly ICommunicator _communicator;
    private readonly Arena _arena;

    // By expert and other replica: the piece that it adds, the piece that is added here, and where its share of that arrives.
    private readonly Segment[] _theirs;
    private readonly Segment[] _own;
    private readonly Segment[] _arriving;
    private readonly int _arrivingLength;

    /// <param name="device">The worker's device.</param>
    /// <param name="communicator">The view's communicator.</param>
    /// <param name="arena">Memory that is free between rounds.</param>
    /// <param name="groups">The experts with replicas.</param>
    public SummedGradients(IDevice device, ICommunicator communicator, Arena arena, ReplicaGroup[] groups)
        : base(groups)
    {
        _device = device;
        _communicator = communicator;
        _arena = arena;
        List<Segment> theirs = [], own = [], arriving = [];
        for (int i = 0; i < Held.Length; i++)
        {
            int[] ranks = Held[i].Ranks;
            (int ownStart, int ownCount) = ICommunicator.OwnedRange(Length, Held[i].Own, ranks.Length);
            for (int replica = 0; replica < ranks.Length; replica++)
            {
                if (replica != Held[i].Own)
                {
                    (int start, int count) = ICommunicator.OwnedRange(Length, replica, ranks.Length);
                    theirs.Add(new Segment(ranks[replica], checked(i * Length) + start, count));
                    own.Add(new Segment(ranks[replica], i * Length + ownStart, ownCount));
                    arriving.Add(new Segment(ranks[replica], _arrivingLength, ownCount));
                    _arrivingLength = checked(_arrivingLength + ownCount);
                }
            }
        }

        (_theirs, _own, _arriving) = ([.. theirs], [.. own], [.. arriving]);
    }

    public override void EndStep()
    {
        DeviceSpan<float> packed = _arena.Take<float>(checked(Held.Length * Length));
        for (int i = 0; i < Held.Length; i++)
        {
            _device.Copy(Held[i].Block!.Gradients, packed.Slice(i * Length, Length));
        }

        DeviceSpan<float> arrived = _arena.Take<float>(_arrivingLength);
        _communicator.AllToAll(packed, _theirs, arrived, _arriving);
        int next = 0;
        for (int i = 0; i < Held.Length; i++)
        {
            int others = Held[i].Ranks.Length - 1;
            (int start, int count) = ICommunicator.OwnedRange(Length, Held[i].Own, others + 1);
            Add(Held[i], packed.Slice(i * Length + start, count), arrived.Slice(next, count * others));
            next += count * others;
        }

        _communicator.AllToAll(packed, _own, packed, _theirs);
        for (int i = 0; i < Held.Length; i++)
        {
            _device.Copy(packed.Slice(i * Length, Length), Held[i].Block!.Gradients);
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

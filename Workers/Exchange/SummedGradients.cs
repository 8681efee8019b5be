namespace MoEActors.Workers.Exchange;

/// <summary>
/// Replicas that share micro-batches: each sums its own parts over the step; at its end every replica adds one piece of the gradient over all
/// replicas, in their order, and gives it to the others. The result is alike on all of them, and within rounding that of a single copy.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="arena">Memory that is free between rounds.</param>
/// <param name="groups">The experts with replicas.</param>
internal sealed class SummedGradients(IDevice device, ICommunicator communicator, Arena arena, ReplicaGroup[] groups) : IReplicaGradients
{
    private readonly ReplicaGroup[] _held = [.. groups.Where(group => group.Own >= 0)];
    private readonly Segment[] _away = new Segment[groups.Sum(group => group.Ranks.Length)];
    private readonly Segment[] _here = new Segment[groups.Sum(group => group.Ranks.Length)];

    public void EndRound()
    {
    }

    public void EndStep()
    {
        int length = _held.Length == 0 ? 0 : _held[0].Block!.Length;
        DeviceSpan<float> packed = arena.Take<float>(checked(_held.Length * length));
        for (int i = 0; i < _held.Length; i++)
        {
            device.Copy(_held[i].Block!.Gradients, packed.Slice(i * length, length));
        }

        Gather(packed, length);
        Share(packed, length);
        for (int i = 0; i < _held.Length; i++)
        {
            device.Copy(packed.Slice(i * length, length), _held[i].Block!.Gradients);
        }
    }

    /// <summary>Brings every replica's share of this worker's pieces here and adds them up in place.</summary>
    private void Gather(DeviceSpan<float> packed, int length)
    {
        int segments = 0;
        int arriving = 0;
        for (int i = 0; i < _held.Length; i++)
        {
            int[] ranks = _held[i].Ranks;
            (_, int own) = ICommunicator.OwnedRange(length, _held[i].Own, ranks.Length);
            for (int replica = 0; replica < ranks.Length; replica++)
            {
                if (replica != _held[i].Own)
                {
                    (int start, int count) = ICommunicator.OwnedRange(length, replica, ranks.Length);
                    _away[segments] = new Segment(ranks[replica], i * length + start, count);
                    _here[segments++] = new Segment(ranks[replica], arriving, own);
                    arriving = checked(arriving + own);
                }
            }
        }

        DeviceSpan<float> arrived = arena.Take<float>(arriving);
        communicator.AllToAll(packed, _away.AsSpan(0, segments), arrived, _here.AsSpan(0, segments));
        arriving = 0;
        for (int i = 0; i < _held.Length; i++)
        {
            (int start, int count) = ICommunicator.OwnedRange(length, _held[i].Own, _held[i].Ranks.Length);
            Add(_held[i], packed.Slice(i * length + start, count), arrived.Slice(arriving, count * (_held[i].Ranks.Length - 1)));
            arriving += count * (_held[i].Ranks.Length - 1);
        }
    }

    /// <summary>Adds in the order of replicas, in the memory of replica 0's piece.</summary>
    private void Add(ReplicaGroup group, DeviceSpan<float> own, DeviceSpan<float> others)
    {
        DeviceSpan<float> sum = group.Own == 0 ? own : others.Slice(0, own.Length);
        int next = group.Own == 0 ? 0 : 1;
        for (int replica = 1; replica < group.Ranks.Length; replica++)
        {
            device.Add(replica == group.Own ? own : others.Slice(next++ * own.Length, own.Length), sum);
        }

        if (group.Own != 0)
        {
            device.Copy(sum, own);
        }
    }

    /// <summary>Gives every replica's finished piece to the others, in place.</summary>
    private void Share(DeviceSpan<float> packed, int length)
    {
        int segments = 0;
        for (int i = 0; i < _held.Length; i++)
        {
            int[] ranks = _held[i].Ranks;
            (int ownStart, int own) = ICommunicator.OwnedRange(length, _held[i].Own, ranks.Length);
            for (int replica = 0; replica < ranks.Length; replica++)
            {
                if (replica != _held[i].Own)
                {
                    (int start, int count) = ICommunicator.OwnedRange(length, replica, ranks.Length);
                    _away[segments] = new Segment(ranks[replica], i * length + ownStart, own);
                    _here[segments++] = new Segment(ranks[replica], i * length + start, count);
                }
            }
        }

        communicator.AllToAll(packed, _away.AsSpan(0, segments), packed, _here.AsSpan(0, segments));
    }
}

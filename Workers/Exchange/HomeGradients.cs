using MoEActors.Modules.Experts;

namespace MoEActors.Workers.Exchange;

/// <summary>
/// Replicas that take whole micro-batches: every part of a weight gradient is summed on one replica, kept apart, and added at the expert's home
/// in ascending order of micro-batches, as a single copy adds it (kernel contract, rule 2). The home adds its own parts at once up to the first
/// that another replica computes. At the end of the step it gives the sum to the others.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="communicator">The view's communicator.</param>
/// <param name="arena">Memory that is free once the round's backward pass is done.</param>
/// <param name="kept">Memory that lasts until all layers have ended the round, even that of a layer which is computed again.</param>
/// <param name="exchange">Who serves which micro-batch.</param>
/// <param name="groups">The experts with replicas.</param>
/// <param name="residents">Number of experts on this worker.</param>
internal sealed class HomeGradients(
    IDevice device, ICommunicator communicator, Arena arena, Arena kept, DistributedExpertExchange exchange, ReplicaGroup[] groups,
    int residents)
    : ReplicaGradients(groups), IGradientParts
{
    private readonly Segment[] _away = new Segment[groups.Length * communicator.Size];
    private readonly Segment[] _here = new Segment[groups.Length * communicator.Size];
    private readonly int[] _added = [.. Enumerable.Repeat(communicator.Size, residents)];
    private readonly int[] _slots = new int[residents * communicator.Size];
    private DeviceSpan<float> _parts;

    public void Begin()
    {
        int slots = 0;
        foreach (ReplicaGroup group in Held)
        {
            int added = group.Own == 0 ? FirstForeignPart(group) : 0;
            _added[group.Resident] = added;
            for (int source = added; source < communicator.Size; source++)
            {
                if (ServerOf(group, source) == group.Own)
                {
                    _slots[group.Resident * communicator.Size + source] = slots++;
                }
            }
        }

        _parts = kept.Take<float>(checked(slots * Length));
    }

    public int AddedSegments(int expert) => _added[expert];

    public DeviceSpan<float> PartOf(int expert, int segment) => _parts.Slice(_slots[expert * communicator.Size + segment] * Length, Length);

    public override void EndRound()
    {
        int away = 0, here = 0;
        bool travels = false;
        foreach (ReplicaGroup group in Groups)
        {
            for (int source = 0; source < communicator.Size; source++)
            {
                int server = ServerOf(group, source);
                if (server <= 0)
                {
                    continue;
                }

                travels = true;
                if (server == group.Own)
                {
                    _away[away++] = new Segment(group.Ranks[0], _slots[group.Resident * communicator.Size + source] * Length, Length);
                }
                else if (group.Own == 0)
                {
                    _here[here] = new Segment(group.Ranks[server], checked(here * Length), Length);
                    here++;
                }
            }
        }

        // Every worker knows from the counts whether any part travels.
        if (travels)
        {
            DeviceSpan<float> arrived = arena.Take<float>(here * Length);
            communicator.AllToAll(_parts, _away.AsSpan(0, away), arrived, _here.AsSpan(0, here));
            AddParts(arrived);
        }
    }

    public override void EndStep()
    {
        DeviceSpan<float> packed = arena.Take<float>(checked(Held.Length * Length));
        int away = 0, here = 0;
        for (int i = 0; i < Held.Length; i++)
        {
            ReplicaGroup group = Held[i];
            if (group.Own > 0)
            {
                _here[here++] = new Segment(group.Ranks[0], i * Length, Length);
                continue;
            }

            device.Copy(group.Block!.Gradients, packed.Slice(i * Length, Length));
            foreach (int rank in group.Ranks.AsSpan(1))
            {
                _away[away++] = new Segment(rank, i * Length, Length);
            }
        }

        communicator.AllToAll(packed, _away.AsSpan(0, away), packed, _here.AsSpan(0, here));
        for (int i = 0; i < Held.Length; i++)
        {
            if (Held[i].Own > 0)
            {
                device.Copy(packed.Slice(i * Length, Length), Held[i].Block!.Gradients);
            }
        }
    }

    /// <summary>At home: the parts that were not added at once, own and arrived, in ascending order.</summary>
    private void AddParts(DeviceSpan<float> arrived)
    {
        int next = 0;
        foreach (ReplicaGroup group in Held)
        {
            for (int source = _added[group.Resident]; group.Own == 0 && source < communicator.Size; source++)
            {
                int server = ServerOf(group, source);
                if (server >= 0)
                {
                    Add(server == 0 ? PartOf(group.Resident, source) : arrived.Slice(next++ * Length, Length), group.Block!);
                }
            }
        }
    }

    /// <summary>Adds a part, or stores the first one of a step.</summary>
    private void Add(DeviceSpan<float> part, ParameterBlock block)
    {
        for (int i = 0; i < block.Parameters.Count; i++)
        {
            Parameter parameter = block.Parameters[i];
            DeviceSpan<float> tensor = part.Slice(parameter.Offset, parameter.Shape.Count);
            Matrix gradient = parameter.GradientToWrite(out Accumulation accumulation);
            if (accumulation == Accumulation.Store)
            {
                device.Copy(tensor, gradient.Data);
            }
            else
            {
                device.Add(tensor, gradient.Data);
            }
        }
    }

    private int FirstForeignPart(ReplicaGroup group)
    {
        int source = 0;
        while (source < communicator.Size && ServerOf(group, source) <= 0)
        {
            source++;
        }

        return source;
    }

    /// <summary>The replica that serves what a source has for the expert; −1 where it has nothing.</summary>
    private int ServerOf(ReplicaGroup group, int source)
    {
        for (int replica = 0; replica < group.Ranks.Length; replica++)
        {
            if (exchange.RowsOf(source, group.FirstShard + replica) > 0)
            {
                return replica;
            }
        }

        return -1;
    }
}

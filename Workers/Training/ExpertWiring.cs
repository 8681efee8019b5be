using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;
using MoEActors.Workers.Exchange;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// How one worker's layers reach experts. A decoder has one wire a layer, a layer alone one a pass, since its passes wait at the same time.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="run">The run.</param>
/// <param name="view">The view that opens it; later ones have the same members.</param>
/// <param name="wires">Number of wires.</param>
/// <param name="shards">The expert shards.</param>
/// <param name="arena">Memory of a layer's pass, and of a round where layers are kept.</param>
/// <param name="parts">Memory of a layer's backward pass, beside its arena.</param>
/// <param name="clock">Times the phases.</param>
internal sealed class ExpertWiring(
    IDevice device, RunConfiguration run, WorkerView view, int wires, ShardTable shards, Arena arena, Arena parts, PhaseClock clock)
    : IDisposable
{
    private readonly HostRelays _relays = new(view.Members.Select(member => member.Host));
    private readonly LayerWire?[] _wires = new LayerWire?[wires];
    private readonly (ParallelismChoice Parallelism, CopyCoefficients? Costs)[] _uses =
        [.. Enumerable.Repeat((ParallelismChoice.ExpertParallel, (CopyCoefficients?)null), wires)];

    /// <summary>A way to the experts of a layer, which replaces the one there was on this wire.</summary>
    public IExpertExchange Connect(PlacementMap map, int layer, int wire)
    {
        ParameterBlock[] blocks = [.. map.ExpertsOn(view.Rank, layer).Select(expert => shards[new ExpertId(layer, expert)])];
        var connected = new LayerWire(
            device, view.Communicator, map.PlacementOf(layer), ModelLayout.Expert(run.Model), blocks, run.Reproducible, parts, _relays);
        connected.Use(_uses[wire].Parallelism, _uses[wire].Costs);
        _wires[wire]?.Dispose();
        _wires[wire] = connected;
        return connected;
    }

    /// <summary>Sets what travels on a wire from its next pass on, alike on every worker.</summary>
    /// <param name="wire">The wire.</param>
    /// <param name="parallelism">What travels.</param>
    /// <param name="costs">What transient copies cost and save; null where that is not known.</param>
    public void Use(int wire, ParallelismChoice parallelism, CopyCoefficients? costs = null)
    {
        _uses[wire] = (parallelism, costs);
        _wires[wire]?.Use(parallelism, costs);
    }

    /// <summary>Makes room for the backward of a wire whose pass has memory of its own.</summary>
    public void BeginWire() => arena.Reset();

    /// <summary>Ends the rounds of a step: all replicas of an expert have the same gradient afterwards.</summary>
    /// <param name="layers">Layers of the model; the wires of a layer alone have added to the same gradients.</param>
    public void EndStep(int layers)
    {
        PhaseMark before = clock.Mark;
        for (int layer = 0; layer < layers; layer++)
        {
            // Nothing of the last round is needed any more.
            arena.Reset();
            if (_wires[layer]?.Replicas is { } replicas)
            {
                clock.Enter(new PhaseMark(Phase.Exchange, layer));
                replicas.EndStep(arena);
            }
        }

        clock.Enter(before);
    }

    /// <summary>Rows and experts that went to other workers since the last call; those of wires that were replaced meanwhile are lost.</summary>
    public SentTraffic TakeSent()
    {
        SentTraffic sent = default;
        foreach (LayerWire? wire in _wires)
        {
            sent += wire?.TakeSent() ?? default;
        }

        return sent;
    }

    /// <summary>By layer: copies of experts that came to this worker since the last call, likewise; the wires of a layer alone are all its own.</summary>
    /// <param name="layers">Layers of the model.</param>
    public int[] TakeCopies(int layers)
    {
        int[] copies = new int[layers];
        for (int wire = 0; wire < _wires.Length; wire++)
        {
            copies[layers == 1 ? 0 : wire] += _wires[wire]?.TakeCopies() ?? 0;
        }

        return copies;
    }

    public void Dispose() => Array.ForEach(_wires, wire => wire?.Dispose());
}

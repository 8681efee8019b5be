using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Training;

/// <summary>
/// What travels in the layers of a run, rows or experts, chosen between two steps. It comes to the members with each step; no parameter moves for it, and no
/// result depends on it.
/// </summary>
internal sealed class ParallelismChoice(Members members, CoordinatorTerm term, MemoryAdmission memory, RunConfiguration run, RunEvents events)
{
    /// <summary>Throws unless a layer can have what is asked for.</summary>
    /// <exception cref="InvalidRequestException">There is no such layer, or it has no experts; or there is no such choice.</exception>
    public static void Check(ConfigureParallelismRequest request, RunConfiguration run)
    {
        if (request.Layer is { } layer && !run.Model.MoELayers.Contains(layer))
        {
            throw new InvalidRequestException($"Layer {layer} has no experts; layers with experts are {string.Join(", ", run.Model.MoELayers)}.");
        }

        if (!Enum.IsDefined(request.Parallelism))
        {
            throw new InvalidRequestException($"There is no parallelism {request.Parallelism}; there are {string.Join(", ", Enum.GetNames<LayerParallelism>())}.");
        }
    }

    /// <summary>Changes it from the next step on.</summary>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; nothing has changed.</exception>
    public async Task<ParallelismOutcome> ChangeAsync(ConfigureParallelismRequest request)
    {
        var layers = new LayerParallelism[run.Model.Layers];
        term.Record.Parallelism.CopyTo(layers, 0);
        foreach (int layer in request.Layer is { } one ? [one] : run.Model.MoELayers)
        {
            layers[layer] = request.Parallelism;
        }

        if (!layers.AsSpan().SequenceEqual(term.Record.Parallelism))
        {
            await memory.RequireAsync(members.Map!, before: null, layers);
            await term.WriteAsync(term.Record with { Parallelism = layers });
            events.ParallelismChanged(request.Layer, request.Parallelism);
        }

        return new ParallelismOutcome(layers, term.Record.Step + 1);
    }
}

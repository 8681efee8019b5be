using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Training;

/// <summary>
/// What travels in the layers of a run, rows or experts, chosen between two steps. It comes to the members with each step; no parameter moves for it, and no
/// result depends on it.
/// </summary>
internal sealed class ParallelismControl(
    Members members, CoordinatorTerm term, DirectorControl director, MemoryAdmission memory, RunConfiguration run, RunEvents events)
{
    private (PlacementMap Map, CopyCoefficients Costs)? _copies;

    /// <summary>What travels in the next step, by layer.</summary>
    public LayerParallelism[] Layers => term.Record.Parallelism;

    /// <summary>What transient copies cost and save in the open view; null where no layer has any.</summary>
    public CopyCoefficients? Copies
    {
        get
        {
            if (!Layers.Contains(LayerParallelism.TransientCopies) || term.Record.Calibration is not { } calibration || members.Map is not { } map)
            {
                return null;
            }

            if (_copies is not { } known || known.Map != map)
            {
                CostModel costs = MeasuredCosts.Of(calibration, map, run);
                _copies = known = (map, costs.CopyCoefficients(
                    costs.Calibration.Forward[^1].Rows, weightsSent: run.Recompute == LayerSelection.None ? 1 : 2, gradientPerSegment: true));
            }

            return known.Costs;
        }
    }

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
    /// <exception cref="ViewFailedException">A member failed while it was measured what copies cost; nothing has changed.</exception>
    public async Task<ParallelismOutcome> ChangeAsync(ConfigureParallelismRequest request)
    {
        var layers = new LayerParallelism[run.Model.Layers];
        Layers.CopyTo(layers, 0);
        foreach (int layer in request.Layer is { } one ? [one] : run.Model.MoELayers)
        {
            layers[layer] = request.Parallelism;
        }

        if (!layers.AsSpan().SequenceEqual(Layers))
        {
            await memory.RequireAsync(members.Map!, before: null, layers);
            ClusterCalibration? calibration = request.Parallelism == LayerParallelism.TransientCopies ? await director.CalibrationAsync() : term.Record.Calibration;
            await term.WriteAsync(term.Record with { Parallelism = layers, Calibration = calibration });
            events.ParallelismChanged(request.Layer, request.Parallelism);
        }

        return new ParallelismOutcome(layers, term.Record.Step + 1);
    }
}

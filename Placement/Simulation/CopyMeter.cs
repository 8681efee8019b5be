using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Placement.Quotas;

namespace MoEActors.Placement.Simulation;

/// <summary>
/// What transient copies make of a replay: the modelled time of every layer with them, and the bytes that they send. A trace does not say which source
/// tokens come from; they are taken to come evenly from all.
/// </summary>
/// <param name="costs">What the cluster does.</param>
/// <param name="gradientPerSegment">Whether every segment sends a gradient of its own (reproducible mode).</param>
internal sealed class CopyMeter(CostModel costs, bool gradientPerSegment)
{
    private const double Picosecond = 1e-12;

    private readonly Dictionary<int, (LayerPlacement Placement, TransientAssignment Assignment)> _assignments = [];
    private double _ratios;
    private int _layers;
    private long _copies;
    private double _copyBytes;
    private double _rowBytes;

    /// <summary>Adds a layer of a row.</summary>
    public void Measure(int layer, LayerPlacement placement, long[] tokens)
    {
        int sources = placement.Workers;
        int[] counts = new int[sources * placement.Experts];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            for (int source = 0; source < sources; source++)
            {
                counts[(source * placement.Experts) + expert] = (int)((tokens[expert] * (source + 1) / sources) - (tokens[expert] * source / sources));
            }
        }

        TransientAssignment assignment = Of(layer, placement, Math.Max(1, tokens.Sum() / sources));
        ReadOnlySpan<int> servers = assignment.Assign(counts);
        for (int segment = 0; segment < servers.Length; segment++)
        {
            int source = segment % sources;
            long rows = servers[segment] == source ? 0 : counts[(source * placement.Experts) + (segment / sources)];
            _rowBytes += (double)CostModel.Exchanges * rows * costs.Size.TokenBytes;
        }

        _copies += assignment.Copies;
        _copyBytes += ((double)assignment.Copies * costs.Size.WeightBytes) + ((double)assignment.Gradients * costs.Size.GradientBytes);
        _ratios += LayerSeconds(assignment.WorkerTimes, placement) / costs.BalancedSeconds(tokens.Sum());
        _layers++;
    }

    /// <summary>The figures so far; null where nothing was measured.</summary>
    public CopyFigures? Figures => _layers == 0 ? null : new CopyFigures(
        _ratios / _layers, (double)_copies / _layers, _rowBytes > 0 ? _copyBytes / _rowBytes : 0);

    private double LayerSeconds(ReadOnlySpan<long> workerTimes, LayerPlacement placement)
    {
        double[] seconds = new double[placement.Workers];
        for (int expert = 0; expert < placement.Experts; expert++)
        {
            double synchronisation = costs.SynchronisationSeconds(placement.RanksOf(expert));
            foreach (int rank in placement.RanksOf(expert))
            {
                seconds[rank] += synchronisation;
            }
        }

        for (int rank = 0; rank < seconds.Length; rank++)
        {
            seconds[rank] += workerTimes[rank] * Picosecond;
        }

        return seconds.Max();
    }

    private TransientAssignment Of(int layer, LayerPlacement placement, long rows)
    {
        if (!_assignments.TryGetValue(layer, out (LayerPlacement Placement, TransientAssignment Assignment) known) || !ReferenceEquals(known.Placement, placement))
        {
            known = (placement, new TransientAssignment(placement, costs.CopyCoefficients(rows, weightsSent: 1, gradientPerSegment)));
            _assignments[layer] = known;
        }

        return known.Assignment;
    }
}

/// <summary>What transient copies make of the rows of a replay from step 500 on.</summary>
/// <param name="LayerTimeVsBalanced">Modelled time of a layer, copies and synchronisation of replicas included, over that of perfect balance; the mean.</param>
/// <param name="PerLayer">Copies in a layer of a step.</param>
/// <param name="BytesVsRows">Bytes of copies' weights and gradients over those of the rows that travel.</param>
public sealed record CopyFigures(double LayerTimeVsBalanced, double PerLayer, double BytesVsRows);

using MoEActors.Placement.Costs;

namespace MoEActors.Placement.Parallelism;

/// <summary>
/// Predicted time of one MoE layer in one training step under a choice of parallelism: <see cref="CostModel"/>'s sum, 3 · compute + 4 · exchange, with
/// r, chunks and messages. Over W workers, E experts, s = W / E where W is more than E, else 1, and R rows of a worker (k · f · T):
/// <code>
/// r = 0:  every worker computes E experts of R / E rows; the weights of all experts are gathered, their gradients reduced
/// r ≥ 1:  every worker computes R · r rows with 1 / r of an expert (R · W / E rows with each of E / W experts where E is more than W);
///         rows are exchanged r times; weights are gathered among s / r neighbours, gradients reduced
/// </code>
/// With copies the load is even, where that is worth more than the weights and the gradient of an expert that travel for it.
/// With d chunks the exchange of one runs beside the experts of another, on one stream each; the weight gradients of all chunks come at once, last, beside
/// the exchange. What runs at once is taken not to slow each other down. Sources: Tutel (arXiv 2206.03382), sections 3.1 and 3.2; FlexMoE (arXiv 2304.03946), section 3.
/// </summary>
/// <param name="costs">What the cluster does.</param>
/// <param name="experts">Experts of the layer.</param>
public sealed class ParallelismCosts(CostModel costs, int experts)
{
    /// <summary>What the cluster does.</summary>
    public CostModel Costs { get; } = costs;

    /// <summary>Experts of the layer.</summary>
    public int Experts { get; } = experts;

    /// <summary>Highest r: workers per expert, at least 1.</summary>
    public int MostSlices { get; } = Math.Max(1, costs.Topology.Workers.Length / experts);

    /// <summary>Seconds of the layer in one training step. O(chunks + points).</summary>
    /// <param name="choice">The choice; r above <see cref="MostSlices"/> counts as that.</param>
    /// <param name="rows">Rows of a worker: tokens times experts per token, as capacity cuts or fills them.</param>
    /// <param name="busiest">Balance ratio of the layer: the busiest worker's rows over the mean. It does not matter to r = 0, whose tokens stay.</param>
    public double StepSeconds(ParallelismChoice choice, long rows, double busiest = 1)
    {
        if (choice.Slices == 0)
        {
            double whole = (double)Experts * Costs.Size.WeightBytes, gradients = (double)Experts * Costs.Size.GradientBytes;
            int workers = Costs.Collectives.Workers;
            return (CostModel.ComputePasses * ComputeSeconds(0, rows, 1))
                + Costs.Collectives.GatherSeconds(whole, workers) + Costs.Collectives.GatherSeconds(gradients, workers);
        }

        if (choice.Copies)
        {
            ParallelismChoice plain = choice with { Copies = false };
            double slowest = Costs.Topology.Hosts > 1 ? Costs.Topology.BetweenHostsBandwidth : Costs.Topology.InHostBandwidth;
            double copy = (Costs.Size.WeightBytes + Costs.Size.GradientBytes) / slowest;
            return Math.Min(StepSeconds(plain, rows, busiest), StepSeconds(plain, rows) + copy);
        }

        int slices = Math.Min(choice.Slices, MostSlices), chunks = choice.Overlap;
        double load = rows * busiest;
        double compute = ComputeSeconds(slices, load, chunks);
        double exchange = Costs.Collectives.AllToAllSeconds(slices * load * Costs.Size.TokenBytes / chunks, choice.Exchange);
        double gather = GatherSeconds(slices, Costs.Size.WeightBytes) + GatherSeconds(slices, Costs.Size.GradientBytes);
        double weightGradients = ComputeSeconds(slices, load, 1);
        return gather + Pipeline(exchange, compute, chunks, last: 0) + Pipeline(exchange, compute, chunks, weightGradients);
    }

    /// <summary>Seconds of one pass of a worker's experts over one chunk of its rows.</summary>
    private double ComputeSeconds(int slices, double rows, int chunks)
    {
        if (slices == 0)
        {
            double reached = Math.Min(Experts, Math.Max(1, rows));
            return reached * ForwardSeconds(rows / reached);
        }

        double local = Math.Max(1.0, (double)Experts / Costs.Collectives.Workers);
        return local * ForwardSeconds(rows * slices / local / chunks) / slices;
    }

    private double ForwardSeconds(double rows) => Costs.Calibration.ForwardSeconds(Math.Max(1, (long)Math.Round(rows)));

    /// <summary>A slice in every worker of a group of s / r, which together have 1 / r of an expert.</summary>
    private double GatherSeconds(int slices, long expertBytes) =>
        Costs.Collectives.GatherSeconds((double)expertBytes / slices, (double)MostSlices / slices);

    /// <summary>
    /// Dispatch, experts and combine of d chunks on two streams: the exchange runs all dispatches, then all combines; the experts run chunk by chunk as
    /// they arrive, then what comes last.
    /// </summary>
    private static double Pipeline(double exchange, double compute, int chunks, double last)
    {
        double computed = 0, combined = chunks * exchange;
        for (int chunk = 1; chunk <= chunks; chunk++)
        {
            computed = Math.Max(computed, chunk * exchange) + compute;

            // Without chunks there is one stream: what comes last comes before the combine.
            combined = Math.Max(combined, computed + (chunks == 1 ? last : 0)) + exchange;
        }

        return Math.Max(combined, computed + last);
    }
}

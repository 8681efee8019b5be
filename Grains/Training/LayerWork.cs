using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Training;

/// <summary>Forward and backward of a layer whose backbone is the caller's, on all members. The update is a step like any other.</summary>
internal sealed class LayerWork(Members members, CoordinatorTerm term, MemoryAdmission memory, ParallelismControl parallelism, string model)
{
    /// <summary>Runs rows forward.</summary>
    /// <exception cref="PassRefusedException">The workers cannot reach the rows, or what the pass builds on is gone.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for so many rows.</exception>
    public async Task<ForwardOutcome> ForwardAsync(ForwardRequest request)
    {
        await memory.RequireRowsAsync(request.Rows);
        (ParallelismChoice[] layers, CopyCoefficients? copies) = parallelism.Next(request.Rows);
        IReadOnlyList<ForwardReport> reports = await members.RunAsync(
            new ForwardCommand(request.Memory, request.Rows, request.Pass, term.Record.Step + 1, request.AuxiliaryScale)
            {
                Parallelism = ParallelismChoice.In(layers, layer: 0),
                Copies = copies,
            });
        RefuseIfRefused(reports.Select(report => report.Refusal), model);
        LossPart[] losses = [.. reports.SelectMany(report => report.Losses).OrderBy(loss => loss.Index)];
        return new ForwardOutcome(
            LossPart.MeanAuxiliary(losses), Sum(reports.Select(report => report.KeptTokens)),
            Sum(reports.Select(report => report.ChosenTokens)));
    }

    /// <summary>Runs gradients back.</summary>
    /// <exception cref="PassRefusedException">The workers cannot reach the gradients, or the forward that they belong to is gone.</exception>
    public async Task<BackwardOutcome> BackwardAsync(BackwardRequest request)
    {
        IReadOnlyList<BackwardReport> reports = await members.RunAsync(new BackwardCommand(request.Memory, request.Pass, request.Forward));
        RefuseIfRefused(reports.Select(report => report.Refusal), model);
        return new BackwardOutcome(request.Pass);
    }

    /// <summary>Throws when a worker has refused its part. All of them have then, of which those with a reason say it.</summary>
    /// <exception cref="PassRefusedException">With the first reason.</exception>
    public static void RefuseIfRefused(IEnumerable<string?> refusals, string model)
    {
        if (refusals.FirstOrDefault(refusal => !string.IsNullOrEmpty(refusal)) is { } reason)
        {
            throw new PassRefusedException(
                $"Layer '{model}' refused the call, {reason} Nothing was applied; gradients of this step are lost. Begin it again with its first forward.");
        }
    }

    private static long[] Sum(IEnumerable<long[]> parts) => parts.Aggregate((left, right) => [.. left.Zip(right, (a, b) => a + b)]);
}

using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Workers;

/// <summary>What a worker does for each kind of order to a layer whose backbone is the caller's.</summary>
internal static class LayerProgram
{
    /// <summary>Runs rows forward.</summary>
    public static WorkerReport Forward(ForwardOrder order, WorkerModel model, EpochView view)
    {
        LayerStep layer = model.Layer!;
        string? refusal = Timed(model, () => layer.Forward(order), out long allocated);
        return refusal is not null ? Refused(refusal, view) : new WorkerReport
        {
            Rank = view.Rank,
            Losses = layer.Losses,
            KeptTokens = [layer.Kept],
            ChosenTokens = [layer.Chosen],
            AllocatedBytes = allocated,
        };
    }

    /// <summary>Runs gradients back.</summary>
    public static WorkerReport Backward(BackwardOrder order, WorkerModel model, EpochView view)
    {
        string? refusal = Timed(model, () => model.Layer!.Backward(order), out long allocated);
        return refusal is not null ? Refused(refusal, view) : new WorkerReport { Rank = view.Rank, AllocatedBytes = allocated };
    }

    /// <summary>Says why, where the reason is this worker's.</summary>
    public static WorkerReport Refused(string refusal, EpochView view) =>
        new() { Rank = view.Rank, Complaint = refusal.Length > 0 ? $"rank {view.Rank}: {refusal}" : null };

    /// <summary>Runs what the clock and the counter of managed bytes watch.</summary>
    private static string? Timed(WorkerModel model, Func<string?> work, out long allocated)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        model.Times.Clock.Start(Phase.Gradients);
        try
        {
            return work();
        }
        finally
        {
            model.Times.Clock.Stop();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}

using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Workers;

/// <summary>What a worker does for each kind of order to a layer whose trunk is the caller's.</summary>
internal static class LayerProgram
{
    /// <summary>Runs rows forward.</summary>
    public static WorkerReport Forward(ForwardOrder order, WorkerModel model, EpochView view)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        LayerStep layer = model.Layer!;
        string? refusal = layer.Forward(order);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
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
        long before = GC.GetAllocatedBytesForCurrentThread();
        string? refusal = model.Layer!.Backward(order);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return refusal is not null ? Refused(refusal, view) : new WorkerReport { Rank = view.Rank, AllocatedBytes = allocated };
    }

    /// <summary>Completes the gradients of a step.</summary>
    public static WorkerReport Prepare(PrepareOrder order, WorkerModel model, EpochView view)
    {
        model.Switchover.Drop();
        if (order.Switch is { } change)
        {
            model.BeginSwitch(order, change, besideStep: true);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        LayerStep layer = model.Layer!;
        string? refusal = layer.Prepare(order.Step);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (refusal is not null)
        {
            model.Switchover.Drop();
            return Refused(refusal, view);
        }

        RoutingStatistics routing = model.PublishRouting();
        return new WorkerReport
        {
            Rank = view.Rank,
            Losses = layer.StepLosses,
            GradientNorm = model.PreparedNorm,
            KeptTokens = routing.Kept,
            ChosenTokens = routing.Chosen,
            AllocatedBytes = allocated,
            Switch = model.Switchover.Conclude(),
            Routers = routing.Routers,
            AuxiliaryLosses = routing.Losses,
        };
    }

    private static WorkerReport Refused(string refusal, EpochView view) =>
        new() { Rank = view.Rank, Complaint = refusal.Length > 0 ? $"rank {view.Rank}: {refusal}" : null };
}

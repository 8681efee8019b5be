using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Placement.Map;

namespace MoEActors.Grains.Workers;

/// <summary>One device of this silo: its executor thread and what it holds of each model.</summary>
internal sealed class Worker(
    WorkerId id, IDevice device, long budget, ICommunicatorProvider communicators, IFileStore files, ModelKinds kinds, CallerBuffers memory) : IDisposable
{
    private readonly Executor _executor = new($"moe worker {id.Device}");
    private readonly Executor _courier = new($"moe courier {id.Device}");
    private readonly ShardMemory _shards = new(device);
    private readonly Dictionary<string, WorkerModel> _models = [];

    /// <summary>Who this worker is.</summary>
    public WorkerId Id { get; } = id;

    /// <summary>The device.</summary>
    public IDevice Device { get; } = device;

    /// <summary>Bytes that the device may allocate.</summary>
    public long Budget { get; } = budget;

    /// <summary>The device's memory, and what a model has of it.</summary>
    public WorkerMemory MemoryOf(string model) =>
        ModelOf(model)?.Gauge.Read(Budget, Device.AllocatedBytes) ?? new WorkerMemory { Budget = Budget, Used = Device.AllocatedBytes };

    /// <summary>A sum over the models on this worker.</summary>
    public long Sum(Func<WorkerMemory, long> value)
    {
        lock (_models)
        {
            return _models.Values.Sum(model => value(model.Gauge.Read(Budget, Device.AllocatedBytes)));
        }
    }

    /// <summary>What this worker holds of a model; null for nothing. Read from the control plane, changed on the executor.</summary>
    public WorkerModel? ModelOf(string model)
    {
        lock (_models)
        {
            return _models.GetValueOrDefault(model);
        }
    }

    /// <summary>Runs an order on the executor; the task ends, elsewhere, with this worker's report.</summary>
    public Task<WorkerReport?> RunAsync(OrderHead head, WorkOrder order)
    {
        var completion = new TaskCompletionSource<WorkerReport?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _executor.Post(() =>
        {
            try
            {
                completion.SetResult(Measured(head, order));
            }
            catch (Exception e)
            {
                // The other ranks wait for this one: they fail with its cause instead of at their deadline.
                ModelOf(head.Model)?.Interrupt(e);
                completion.SetException(e);
            }
        });
        return completion.Task;
    }

    /// <summary>Ends when everything queued before has been done.</summary>
    public Task DrainAsync()
    {
        var completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _executor.Post(completion.SetResult);
        return completion.Task;
    }

    /// <summary>Ends collective operations in progress: the silo is going away.</summary>
    public void Interrupt(Exception cause)
    {
        WorkerModel[] models;
        lock (_models)
        {
            models = [.. _models.Values];
        }

        foreach (WorkerModel model in models)
        {
            model.Interrupt(cause);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _executor.Dispose();
        foreach (WorkerModel model in _models.Values)
        {
            model.Dispose();
        }

        _courier.Dispose();

        Device.Dispose();
    }

    private WorkerReport? Measured(OrderHead head, WorkOrder order)
    {
        long before = _shards.OtherBytes;
        try
        {
            return Run(head, order);
        }
        finally
        {
            ModelOf(head.Model)?.Gauge.Add(order, _shards.OtherBytes - before);
        }
    }

    private WorkerReport? Run(OrderHead head, WorkOrder order)
    {
        if (order is OpenEpochOrder open)
        {
            return Open(head, open);
        }

        WorkerModel? model = ModelOf(head.Model);
        if (model?.View is not { } view || view.Epoch != head.Epoch)
        {
            return null;
        }

        return WorkerProgram.Run(head, order, model, view);
    }

    private WorkerReport? Open(OrderHead head, OpenEpochOrder order)
    {
        PlacementMap map = order.Map.ToMap();
        int rank = map.RankOf(Id);
        if (rank < 0)
        {
            return null;
        }

        WorkerModel? model = ModelOf(head.Model);
        if (model is null)
        {
            model = new WorkerModel(Id, Device, _shards, RunConfiguration.FromJson(order.Configuration, kinds), files, memory, communicators, _courier.Post);
            lock (_models)
            {
                _models.Add(head.Model, model);
            }
        }

        model.OpenEpoch(head, order, map, rank);
        return new WorkerReport { Rank = rank };
    }
}

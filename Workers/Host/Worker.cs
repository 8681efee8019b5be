using MoEActors.Workers.Commands;
using MoEActors.Workers.Training;

namespace MoEActors.Workers.Host;

/// <summary>One device of this silo, and what it runs of each model.</summary>
/// <param name="id">Who it is.</param>
/// <param name="device">The device.</param>
/// <param name="budget">Bytes that the device may allocate.</param>
/// <param name="copyBudget">Bytes of the host's memory that there may be of copies of snapshots, where the device has memory of its own; else they share the device's.</param>
/// <param name="services">What every worker of the host uses.</param>
internal sealed class Worker(WorkerId id, IDevice device, long budget, long? copyBudget, WorkerServices services) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ModelExecutor> _models = [];

    /// <summary>Who this worker is.</summary>
    public WorkerId Id { get; } = id;

    /// <summary>Bytes that the device may allocate.</summary>
    public long Budget { get; } = budget;

    /// <summary>Bytes that the device has allocated, for all models, and copies of snapshots in the same memory.</summary>
    public long AllocatedBytes => Executors().Sum(model => model.AllocatedBytes + CopyBytesOf(model));

    /// <summary>The device's memory, and what a model has of it.</summary>
    public WorkerMemory MemoryOf(string model) => Find(model) is { Model: { } held } executor
        ? held.Gauge.Read(Budget, AllocatedBytes, CopyBytesOf(executor))
        : new WorkerMemory { Budget = Budget, Used = AllocatedBytes };

    /// <summary>A sum over the models on this worker.</summary>
    public long Sum(Func<WorkerMemory, long> value)
    {
        long used = AllocatedBytes;
        return Executors().Sum(executor => executor.Model is { } model ? value(model.Gauge.Read(Budget, used, CopyBytesOf(executor))) : 0);
    }

    /// <summary>What this worker holds of a model; null for nothing.</summary>
    public WorkerModel? ModelOf(string model) => Find(model)?.Model;

    /// <summary>Runs a command; the task ends, elsewhere, with this worker's report, or with null if it is not in the command's view.</summary>
    public Task<WorkerReport?> RunAsync(CommandHeader header, Command command)
    {
        ModelExecutor? executor = Find(header.Model);
        if (executor is null && command is OpenViewCommand open && open.Map.RankOf(Id) >= 0)
        {
            try
            {
                executor = new ModelExecutor(Id, header.Model, device, services, FreeForCopies);
            }
            catch (Exception e)
            {
                var failed = new TaskCompletionSource<WorkerReport?>(TaskCreationOptions.RunContinuationsAsynchronously);
                services.Losses.Fail(failed, Id, header.Model, e);
                return failed.Task;
            }

            lock (_lock)
            {
                _models.Add(header.Model, executor);
            }
        }

        return executor?.RunAsync(header, command) ?? Task.FromResult<WorkerReport?>(null);
    }

    /// <summary>Ends what runs of a model, and frees everything that this worker holds of it.</summary>
    public Task ForgetAsync(string model, Exception cause)
    {
        ModelExecutor? executor;
        lock (_lock)
        {
            _models.Remove(model, out executor);
        }

        executor?.Model?.Interrupt(cause);

        // It waits for threads: not in a grain's turn.
        return executor is null ? Task.CompletedTask : Task.Run(executor.Dispose);
    }

    /// <summary>Ends when everything queued before has been done for a model.</summary>
    public Task DrainAsync(string model) => Find(model)?.DrainAsync() ?? Task.CompletedTask;

    /// <summary>Ends when everything queued before has been done.</summary>
    public Task DrainAsync() => Task.WhenAll(Executors().Select(executor => executor.DrainAsync()));

    /// <summary>Ends collective operations in progress: the silo is going away.</summary>
    public void Interrupt(Exception cause) => Array.ForEach(Executors(), executor => executor.Model?.Interrupt(cause));

    public void Dispose()
    {
        Array.ForEach(Executors(), executor => executor.Dispose());
        device.Dispose();
    }

    private long FreeForCopies() => copyBudget is { } most ? most - Executors().Sum(executor => executor.CopyBytes) : Budget - AllocatedBytes;

    private long CopyBytesOf(ModelExecutor executor) => copyBudget is null ? executor.CopyBytes : 0;

    private ModelExecutor? Find(string model)
    {
        lock (_lock)
        {
            return _models.GetValueOrDefault(model);
        }
    }

    private ModelExecutor[] Executors()
    {
        lock (_lock)
        {
            return [.. _models.Values];
        }
    }
}

using System.Diagnostics;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Cpu;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Benchmarks;

/// <summary>The workers of one layer, a thread and a micro-batch each.</summary>
internal sealed class LayerGroup : IDisposable
{
    /// <summary>
    /// Longer than any benchmark: the communicator's watchdog runs on the thread pool, and its first run would be counted as the layer's allocation.
    /// </summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromHours(1);

    private readonly InProcessCommunicatorGroup _group;
    private readonly StepBarrier _barrier;
    private readonly Thread[] _threads;
    private ParallelismChoice _parallelism;
    private long _sentBytes;

    /// <summary>Starts the workers.</summary>
    public LayerGroup(LayerShape shape, int workers)
    {
        _group = new InProcessCommunicatorGroup(workers, Deadline);
        _barrier = new StepBarrier(workers);
        _threads = [.. Enumerable.Range(0, workers).Select(rank => new Thread(() => Work(shape, _group.Open(rank))) { Name = $"layer worker {rank}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>Runs forward and backward once on all workers.</summary>
    /// <param name="parallelism">What travels; rows unless given.</param>
    /// <returns>Seconds.</returns>
    /// <exception cref="AggregateException">A worker failed.</exception>
    public double Step(ParallelismChoice? parallelism = null)
    {
        _parallelism = parallelism ?? ParallelismChoice.ExpertParallel;
        long started = Stopwatch.GetTimestamp();
        _barrier.RunStep();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Bytes that all workers sent each other since the last call.</summary>
    public long TakeSentBytes() => Interlocked.Exchange(ref _sentBytes, 0);

    /// <inheritdoc />
    public void Dispose()
    {
        _barrier.Finish();
        Array.ForEach(_threads, thread => thread.Join());
        _barrier.Dispose();
        _group.Dispose();
    }

    private void Work(LayerShape shape, ICommunicator communicator)
    {
        try
        {
            using var worker = new LayerWorker(shape, communicator, new CpuDevice());
            while (_barrier.WaitForStep())
            {
                worker.Use(_parallelism);
                worker.Step();
                Interlocked.Add(ref _sentBytes, worker.TakeSentBytes());
                _barrier.Done(null);
            }
        }
        catch (Exception e)
        {
            communicator.Abort(e);
            _barrier.Done(e);
        }
        finally
        {
            communicator.Dispose();
        }
    }
}

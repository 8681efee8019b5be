using System.Collections.Concurrent;
using System.Diagnostics;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.Support;

[assembly: AssemblyFixture(typeof(ClusterStarts))]
namespace MoEActors.Tests.Support;

/// <summary>
/// Clusters of one shape that tests use one after another: starting silos takes longer than most tests. A cluster serves one test at a time, since
/// models that train at once on one cluster wait for each other.
/// </summary>
internal sealed class ClusterPool
{
    /// <summary>Tests that a cluster serves: most models are not deleted, and their parameters stay in memory.</summary>
    private const int MostLeases = 60;

    private static readonly ConcurrentDictionary<ClusterShape, ClusterPool> Pools = new();

    private readonly ConcurrentStack<TrainingCluster> _idle = [];

    /// <summary>The pool of clusters of a shape.</summary>
    public static ClusterPool Of(ClusterShape shape) => Pools.GetOrAdd(shape, _ => new ClusterPool());

    /// <summary>A cluster that nobody else has, with all of its silos: those that the last test has ended are started again.</summary>
    public async Task<TrainingCluster> TakeAsync(Func<Task<TrainingCluster>> start)
    {
        Interlocked.Increment(ref ClusterStarts.Rents);
        if (_idle.TryPop(out TrainingCluster? idle))
        {
            await idle.RepairAsync();
            return idle;
        }

        TrainingCluster started = await start();
        started.Pool = this;
        return started;
    }

    /// <summary>Keeps a cluster for the next test, unless something is still going on there.</summary>
    public async Task<bool> TryReturnAsync(TrainingCluster cluster)
    {
        if (cluster.Lease >= MostLeases || !await cluster.IsQuietAsync())
        {
            return false;
        }

        _idle.Push(cluster);
        return true;
    }

    /// <summary>Ends all clusters that nobody has.</summary>
    public static async Task EndAllAsync()
    {
        foreach (ClusterPool pool in Pools.Values)
        {
            while (pool._idle.TryPop(out TrainingCluster? idle))
            {
                idle.Pool = null;
                await idle.DisposeAsync();
            }
        }
    }
}

/// <summary>How many clusters the tests have started, and how long that took; told when all tests have run.</summary>
public sealed class ClusterStarts : IAsyncDisposable
{
    private static readonly ConcurrentQueue<TimeSpan> Started = new();
    private static int Repairs;
    private static long RepairTicks;

    /// <summary>How often a test has rented a cluster.</summary>
    internal static int Rents;

    /// <summary>Starts a cluster.</summary>
    public static async Task<EmbeddedCluster> EmbeddedAsync(EmbeddedClusterOptions options, CancellationToken cancellationToken = default)
    {
        long begun = Stopwatch.GetTimestamp();
        EmbeddedCluster cluster = await EmbeddedCluster.StartAsync(options, cancellationToken);
        Started.Enqueue(Stopwatch.GetElapsedTime(begun));
        return cluster;
    }

    /// <summary>Starts a silo again that a test has ended.</summary>
    public static async Task RestartAsync(EmbeddedSilos silos, int index)
    {
        long begun = Stopwatch.GetTimestamp();
        await silos.RestartAsync(index, TestContext.Current.CancellationToken);
        Interlocked.Increment(ref Repairs);
        Interlocked.Add(ref RepairTicks, Stopwatch.GetElapsedTime(begun).Ticks);
    }

    public async ValueTask DisposeAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        await ClusterPool.EndAllAsync();
        TimeSpan[] all = [.. Started.Order()];
        if (all.Length > 0)
        {
            Console.WriteLine(
                $"{all.Length} clusters were started in {all.Sum(one => one.TotalSeconds):0.0} s in all (median {all[all.Length / 2].TotalSeconds:0.00} s), and one was "
                + $"rented {Rents} times, for which {Repairs} silos were started again in {TimeSpan.FromTicks(RepairTicks).TotalSeconds:0.0} s; ending those that were left took {Stopwatch.GetElapsedTime(begun).TotalSeconds:0.0} s.");
        }
    }
}

using Microsoft.Extensions.Options;
using MoEActors.Client;
using MoEActors.Grains.Durability;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Silo.Hosting;
using Orleans.Configuration;

namespace MoEActors.Silo.Embedded;

/// <summary>
/// A whole cluster inside this process: silos with CPU workers, the in-process data plane, and the client that any other cluster has. The first
/// run, tests, and experiments without hardware.
/// </summary>
public sealed class EmbeddedCluster : IAsyncDisposable
{
    private const string ScratchPrefix = "moe-snapshots-";

    private readonly ScratchFolder? _scratch;

    private EmbeddedCluster(EmbeddedSilos silos, ModelKinds kinds, CallerBuffers memory, ScratchFolder? scratch)
    {
        _scratch = scratch;
        Silos = silos;
        Client = new MoECluster(silos.Client, kinds, memory);
    }

    /// <summary>The silos.</summary>
    public EmbeddedSilos Silos { get; }

    /// <summary>The client.</summary>
    public MoECluster Client { get; }

    /// <summary>Starts the silos.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than <see cref="EmbeddedClusterOptions.MostSilos"/> silos, less than one silo, device or byte, or a negative number of threads.</exception>
    /// <exception cref="FormatException"><see cref="EmbeddedClusterOptions.Device"/> is none.</exception>
    /// <exception cref="ArgumentException">This machine has no such device; or two kinds of expert or gate have one name, or one has a name that no configuration can have.</exception>
    /// <exception cref="OptionsValidationException">A kind of expert or gate is wrong, and how.</exception>
    public static async Task<EmbeddedCluster> StartAsync(EmbeddedClusterOptions? options = null, CancellationToken cancellationToken = default)
    {
        EmbeddedClusterOptions chosen = options ?? new EmbeddedClusterOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(chosen.Silos, 1, "options.Silos");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chosen.Silos, EmbeddedClusterOptions.MostSilos, "options.Silos");
        ArgumentOutOfRangeException.ThrowIfLessThan(chosen.DevicesPerSilo, 1, "options.DevicesPerSilo");
        ArgumentOutOfRangeException.ThrowIfNegative(chosen.ThreadsPerWorker, "options.ThreadsPerWorker");
        ArgumentOutOfRangeException.ThrowIfLessThan(chosen.MemoryPerWorker ?? 1, 1, "options.MemoryPerWorker");
        DeviceChoice device = DeviceChoice.Parse(chosen.Device);
        if (device.Problem() is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }

        int threads = chosen.ThreadsPerWorker > 0
            ? chosen.ThreadsPerWorker
            : Math.Max(1, Environment.ProcessorCount / (chosen.Silos * chosen.DevicesPerSilo));
        ModelKinds kinds = ModelKinds.BuiltIn.With(chosen.ExpertKinds, chosen.GateKinds);
        IRunStore store = chosen.Store ?? new InMemoryRunStore();
        ScratchFolder? scratch = chosen.SnapshotPlace is null ? ScratchFolder.Make(Path.GetTempPath(), ScratchPrefix) : null;
        long budget = chosen.MemoryPerWorker ?? device.MemoryPerWorker(chosen.Silos, chosen.DevicesPerSilo);
        var memory = new CallerBuffers();
        var communicators = new InProcessCommunicatorProvider();
        try
        {
            EmbeddedSilos silos = await EmbeddedSilos.StartAsync(Options(), cancellationToken);
            return new EmbeddedCluster(silos, kinds, memory, scratch);
        }
        catch
        {
            scratch?.Dispose();
            throw;
        }

        EmbeddedSilosOptions Options() =>
            new()
            {
                Count = chosen.Silos,
                Configure = (index, _, silo) =>
                {
                    silo.AddMoE(moe =>
                    {
                        moe.Devices = chosen.DevicesPerSilo;
                        moe.ThreadsPerDevice = threads;
                        moe.MemoryPerDevice = budget;
                        moe.OpenDevices = device.IsCuda ? () => device.OpenShare(index, chosen.Silos, chosen.DevicesPerSilo) : null;
                        moe.Store = store;
                        moe.SnapshotInterval = chosen.SnapshotInterval;
                        moe.SnapshotPlace = chosen.SnapshotPlace ?? scratch!.Path;
                        moe.Communicators = communicators;
                        moe.CallerBuffers = memory;
                        moe.ExpertKinds = chosen.ExpertKinds;
                        moe.GateKinds = chosen.GateKinds;
                        moe.CheckKinds = chosen.CheckKinds;
                    });

                    // Silos of one process die with it: probes every half second by every pair took 1.3 % of a step's processor time, with four silos. What a run
                    // waits for when one is killed all the same is its second probe that fails; little else takes time.
                    silo.Configure<ClusterMembershipOptions>(membership =>
                    {
                        membership.ProbeTimeout = TimeSpan.FromMilliseconds(800);
                        membership.NumProbedSilos = 2;
                    });

                    // Room for a million grains, as Orleans has it, is 18 MB of every silo, and all that is new in one.
                    silo.Configure<GrainDirectoryOptions>(directory => directory.CacheSize = 20_000);
                    chosen.Configure?.Invoke(index, silo);
                },
            };
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Silos.DisposeAsync();
        _scratch?.Dispose();
    }
}

/// <summary>What a cluster inside this process is like.</summary>
public sealed record EmbeddedClusterOptions
{
    /// <summary>Silos that there can be in one process: each has threads, grains and tens of megabytes of its own, and all know each other.</summary>
    public const int MostSilos = 64;

    /// <summary>Number of silos, <see cref="MostSilos"/> at most.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>What silos compute on: <c>cpu</c>, <c>cuda</c>, or <c>cuda:0,1</c>; <see cref="DeviceChoice"/>. GPUs are shared out among the silos.</summary>
    public string Device { get; init; } = DeviceChoice.Cpu;

    /// <summary>CPU devices of each silo, or workers of each of its GPUs; one worker each.</summary>
    public int DevicesPerSilo { get; init; } = 1;

    /// <summary>Threads of each worker; 0 for cores / workers, at least one.</summary>
    public int ThreadsPerWorker { get; init; }

    /// <summary>Bytes that each worker may allocate; null for an equal share of this process's memory, or of what is free on its GPU.</summary>
    public long? MemoryPerWorker { get; init; }

    /// <summary>Keeps runs; in the memory of the process unless set.</summary>
    public IRunStore? Store { get; init; }

    /// <summary>Steps from one snapshot of a run to the next, from which a run goes on when a silo dies; 0 for none.</summary>
    public int SnapshotInterval { get; init; } = 20;

    /// <summary>Where snapshots are; null for a folder among the temporary files that goes with the cluster.</summary>
    public string? SnapshotPlace { get; init; }

    /// <summary>Experts of your own, which configurations may then name.</summary>
    public IReadOnlyList<IExpertKind> ExpertKinds { get; init; } = [];

    /// <summary>Gates of your own, likewise.</summary>
    public IReadOnlyList<IGateKind> GateKinds { get; init; } = [];

    /// <summary>Whether silos check those kinds when they start: a wrong one trains all the same, only not well.</summary>
    public bool CheckKinds { get; init; } = true;

    /// <summary>Called for every silo after everything else has been set.</summary>
    public Action<int, ISiloBuilder>? Configure { get; init; }
}

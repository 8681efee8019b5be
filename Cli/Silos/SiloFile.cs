using System.ComponentModel;
using Microsoft.Extensions.Logging;

namespace MoEActors.Cli.Silos;

/// <summary>
/// What `moe silo` can be told. Every value can be given in three ways: in a JSON file under its name, in the environment as MOE_ and its name in capitals
/// (siloPort is MOE_SILO_PORT), and as an option (--silo-port). The option wins over the environment, the environment over the file.
/// </summary>
internal sealed record SiloFile
{
    /// <summary>The Redis server.</summary>
    [Description("The Redis server in which silos and clients meet, as in redis://HOST:PORT.")]
    public string? Redis { get; init; }

    /// <summary>The password of Redis.</summary>
    [Description("File with the password of Redis; MOE_REDIS_PASSWORD has the password itself.")]
    public string? RedisPasswordFile { get; init; }

    /// <summary>Name of the cluster.</summary>
    [Description("Name of the cluster, the same for every silo and client; moe where it is left out.")]
    public string? ClusterId { get; init; }

    /// <summary>Name of the service.</summary>
    [Description("Name under which Redis keeps runs, the same for every silo and client; moe where it is left out.")]
    public string? ServiceId { get; init; }

    /// <summary>Name of the silo.</summary>
    [Description("Name of the silo, which its restarts keep and no other silo has; that of the machine where it is left out.")]
    public string? Name { get; init; }

    /// <summary>Where others reach the silo.</summary>
    [Description("Where other silos and clients reach this one, an address or a name; 127.0.0.1 where it is left out.")]
    public string? Address { get; init; }

    /// <summary>Port for silos.</summary>
    [Description("Port for silos, as they reach it; 11111 where it is left out.")]
    public int? SiloPort { get; init; }

    /// <summary>Port for clients.</summary>
    [Description("Port for clients, as they reach it; 30000 where it is left out.")]
    public int? GatewayPort { get; init; }

    /// <summary>Where the silo listens.</summary>
    [Description("Where this silo listens, if that is another address, as behind NAT: 0.0.0.0 for all of them.")]
    public string? ListenAddress { get; init; }

    /// <summary>Port on which the silo listens for silos.</summary>
    [Description("Port on which this silo listens for silos, if that is another.")]
    public int? ListenSiloPort { get; init; }

    /// <summary>Port on which the silo listens for clients.</summary>
    [Description("Port on which this silo listens for clients, if that is another.")]
    public int? ListenGatewayPort { get; init; }

    /// <summary>Port for rows.</summary>
    [Description("Port for rows of tokens between silos, as they reach it; a free one where it is left out.")]
    public int? DataPort { get; init; }

    /// <summary>Port on which the silo listens for rows.</summary>
    [Description("Port on which this silo listens for rows, if that is another.")]
    public int? ListenDataPort { get; init; }

    /// <summary>Port of the health endpoint.</summary>
    [Description("Port for /health/live, /health/ready, /health and /metrics, on the address that is listened on; 8081 where it is left out.")]
    public int? HealthPort { get; init; }

    /// <summary>Where the dashboard is served.</summary>
    [Description("Where the dashboard is served: off, a port of 127.0.0.1, or ADDRESS:PORT; 5080 where it is left out, or a free port where that is taken.")]
    public string? Dashboard { get; init; }

    /// <summary>The control token of the dashboard.</summary>
    [Description("File with the token that whoever changes something by the dashboard must bring; MOE_DASHBOARD_TOKEN has the token itself. Without one nothing can be changed by it.")]
    public string? DashboardTokenFile { get; init; }

    /// <summary>Whether Orleans' own dashboard is beside it.</summary>
    [Description("Whether this silo keeps what Orleans' own dashboard shows, and serves it beside the other below orleans/: true or false; the same for every silo; false where it is left out.")]
    public bool? OrleansDashboard { get; init; }

    /// <summary>The cluster's secret.</summary>
    [Description("File with the cluster's secret; MOE_SECRET has the secret itself. Needed where other machines reach this silo.")]
    public string? SecretFile { get; init; }

    /// <summary>What the silo computes on.</summary>
    [Description("What this silo computes on: cpu, cuda for every GPU of its machine, or cuda:0,1 for some; /bf16 or /tf32 behind it lets tensor cores multiply; cpu where it is left out.")]
    public string? Device { get; init; }

    /// <summary>CPU devices, or workers of each GPU.</summary>
    [Description("CPU devices, or workers of each GPU, one worker each; 1 where it is left out.")]
    public int? Devices { get; init; }

    /// <summary>Threads of each device.</summary>
    [Description("Threads of each device; cores / devices where it is left out.")]
    public int? ThreadsPerDevice { get; init; }

    /// <summary>Bytes of each device.</summary>
    [Description("Bytes that each device may allocate; an equal share of four fifths of this process's memory, or of nine tenths of what is free on its GPU, where it is left out.")]
    public long? MemoryPerDevice { get; init; }

    /// <summary>Folder of checkpoints.</summary>
    [Description("Folder that relative places of checkpoints are in, made where it is not there; the current folder where it is left out.")]
    public string? CheckpointRoot { get; init; }

    /// <summary>Steps between snapshots.</summary>
    [Description("Steps from one snapshot of a run to the next, 0 for none; 20 where it is left out.")]
    public int? SnapshotInterval { get; init; }

    /// <summary>Folder of snapshots.</summary>
    [Description("Where snapshots are, a folder that every silo of the cluster reaches; snapshots, in checkpointRoot, where it is left out.")]
    public string? SnapshotPlace { get; init; }

    /// <summary>What is logged.</summary>
    [Description("The least that is logged: trace, debug, information, warning, error or critical; information where it is left out.")]
    public LogLevel? LogLevel { get; init; }
}

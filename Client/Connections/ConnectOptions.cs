namespace MoEActors.Client.Connections;

/// <summary>Which cluster to connect to.</summary>
public sealed record ConnectOptions
{
    /// <summary>The Redis server in which the cluster's silos meet, as in <c>redis.example:6379,password=...</c>.</summary>
    public required string Redis { get; init; }

    /// <summary>Name of the cluster: that of its silos.</summary>
    public string ClusterId { get; init; } = "moe";

    /// <summary>Name of the service: that of its silos.</summary>
    public string ServiceId { get; init; } = "moe";

    /// <summary>How long to look for a silo.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);
}

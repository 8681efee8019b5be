using Microsoft.Extensions.Hosting;

namespace MoEActors.Silo.Embedded;

/// <summary>What the silos of a cluster inside this process are like.</summary>
public sealed record EmbeddedSilosOptions
{
    /// <summary>How many silos to start with.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Called for every silo with its index, before its host is built. A silo that is started again is configured again.</summary>
    public Action<int, IHostApplicationBuilder, ISiloBuilder>? Configure { get; init; }

    /// <summary>How long callers outside of the silos wait for an answer.</summary>
    public TimeSpan ClientResponseTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to wait until every silo has noticed that another came or went.</summary>
    public TimeSpan NoticeTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

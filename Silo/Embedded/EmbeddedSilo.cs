using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MoEActors.Silo.Embedded;

/// <summary>One run of one silo inside this process.</summary>
public sealed class EmbeddedSilo
{
    internal EmbeddedSilo(int index, IHost host)
    {
        Index = index;
        Host = host;
        Address = host.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;
    }

    /// <summary>The silo's number, which a restart keeps.</summary>
    public int Index { get; }

    /// <summary>The silo's name, which a restart keeps.</summary>
    public string Name => NameOf(Index);

    /// <summary>The silo's address, which no restart keeps.</summary>
    public SiloAddress Address { get; }

    /// <summary>The services of the silo's host.</summary>
    public IServiceProvider Services => Host.Services;

    internal IHost Host { get; }

    internal ISiloStatusOracle Oracle => Services.GetRequiredService<ISiloStatusOracle>();

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Address})";

    internal static string NameOf(int index) => $"silo-{index}";
}

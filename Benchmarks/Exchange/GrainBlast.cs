using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace MoEActors.Benchmarks.Exchange;

/// <summary>Takes bytes and does nothing with them.</summary>
internal interface IBytesService : IGrainService
{
    /// <summary>Ends when the bytes are there.</summary>
    Task TakeAsync(Immutable<byte[]> bytes);
}

/// <summary>Reaches the service of a given silo.</summary>
internal interface IBytesClient : IGrainServiceClient<IBytesService>
{
    /// <summary>The service of <paramref name="silo"/>.</summary>
    IBytesService On(SiloAddress silo);
}

/// <inheritdoc cref="IBytesService" />
[Reentrant]
internal sealed class BytesService(GrainId id, Orleans.Runtime.Silo silo, ILoggerFactory loggers) : GrainService(id, silo, loggers), IBytesService
{
    /// <inheritdoc />
    public Task TakeAsync(Immutable<byte[]> bytes) => Task.CompletedTask;
}

/// <inheritdoc cref="IBytesClient" />
internal sealed class BytesClient(IServiceProvider services) : GrainServiceClient<IBytesService>(services), IBytesClient
{
    /// <inheritdoc />
    public IBytesService On(SiloAddress silo) => GetGrainService(silo);
}

/// <summary>The same bytes between the same processes as arguments of grain calls: each process is a silo that does nothing else, and sends to all others at once.</summary>
internal sealed class GrainBlast : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly IHost _host;

    private GrainBlast(IHost host) => _host = host;

    /// <summary>A port on which nobody listens now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Starts the silo of this process.</summary>
    /// <param name="port">Its port.</param>
    /// <param name="first">The port of the silo that is there first, in which all meet.</param>
    public static GrainBlast Start(int port, int first)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(port, FreePort(), new IPEndPoint(IPAddress.Loopback, first));
            silo.AddGrainService<BytesService>();
            silo.Services.AddSingleton<IBytesClient, BytesClient>();
        });
        IHost host = builder.Build();
        host.Start();
        return new GrainBlast(host);
    }

    /// <summary>Sends so many bytes to the silo of every other process, and waits until all have them, some times over.</summary>
    public void Blast(int bytes, int rounds, int size)
    {
        IBytesService[] others = Others(size);
        var sent = new Immutable<byte[]>(new byte[bytes]);
        for (int round = 0; round < rounds; round++)
        {
            Task.WhenAll(others.Select(other => other.TakeAsync(sent))).GetAwaiter().GetResult();
        }
    }

    public void Dispose() => _host.Dispose();

    private IBytesService[] Others(int size)
    {
        ISiloStatusOracle silos = _host.Services.GetRequiredService<ISiloStatusOracle>();
        while (silos.GetActiveSilos().Length < size)
        {
            Thread.Sleep(Pause);
        }

        IBytesClient client = _host.Services.GetRequiredService<IBytesClient>();
        return [.. silos.GetActiveSilos().Where(silo => !silo.Equals(silos.SiloAddress)).Select(client.On)];
    }
}

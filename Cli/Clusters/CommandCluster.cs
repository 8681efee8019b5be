using System.Globalization;
using MoEActors.Cli.Telemetry;
using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Silo.Embedded;
using OpenTelemetry;

namespace MoEActors.Cli.Clusters;

/// <summary>The cluster that a command works with: silos in its own process, which end with it, or a cluster of other processes, which goes on.</summary>
internal sealed class CommandCluster : IAsyncDisposable
{
    private readonly IAsyncDisposable _owned;

    private readonly Action<string> _remarks;

    private readonly SecondSignal _second;

    private readonly OpenTelemetrySdk? _telemetry;

    private readonly ExportWatch? _unsent;

    private CommandCluster(MoECluster client, IAsyncDisposable owned, bool isShared, Action<string> remarks, SecondSignal second, OpenTelemetrySdk? telemetry = null) =>
        (Client, _owned, IsShared, _remarks, _second, _telemetry, _unsent) =
        (client, owned, isShared, remarks, second, telemetry, telemetry is null ? null : new ExportWatch(remarks, TimeProvider.System));

    /// <summary>The cluster.</summary>
    public MoECluster Client { get; }

    /// <summary>Whether others may use it, too, and find what the command leaves.</summary>
    public bool IsShared { get; }

    /// <summary>Starts silos, or connects.</summary>
    /// <param name="connect">The cluster to connect to; null for silos in this process.</param>
    /// <param name="silos">Number of silos in this process.</param>
    /// <param name="device">What they compute on.</param>
    /// <param name="remarks">Where remarks go.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <param name="configure">Configures each silo in this process; null for nothing.</param>
    public static async Task<CommandCluster> OpenAsync(
        ConnectOptions? connect, int silos, string device, Action<string> remarks, CancellationToken cancellation, Action<ISiloBuilder>? configure = null)
    {
        // From now on, as starting takes long, too.
        var second = SecondSignal.EndsAtOnce();
        OpenTelemetrySdk? telemetry = null;
        try
        {
            if (connect is not null)
            {
                MoECluster connected = await MoECluster.ConnectAsync(connect, cancellationToken: cancellation);
                return new CommandCluster(connected, connected, isShared: true, remarks, second);
            }

            telemetry = TelemetryExport.Begin();
            var options = new EmbeddedClusterOptions { Silos = silos, Device = device, Configure = configure is null ? null : (_, silo) => configure(silo) };
            EmbeddedCluster embedded = await EmbeddedCluster.StartAsync(options, cancellation);
            return new CommandCluster(embedded.Client, embedded, isShared: false, remarks, second, telemetry);
        }
        catch
        {
            telemetry?.Dispose();
            second.Dispose();
            throw;
        }
    }

    /// <summary>Does something with a model that is needed for no longer. In a cluster of others it has a name that nobody has, and is deleted.</summary>
    /// <param name="name">What the name begins with.</param>
    /// <param name="make">Makes the model under the name that it is given.</param>
    /// <param name="use">What is done with it.</param>
    public async Task<T> WithModelAsync<T>(string name, Func<string, Task<MoEModel>> make, Func<MoEModel, Task<T>> use)
    {
        if (!IsShared)
        {
            return await use(await make(name));
        }

        string own = $"{name}-{Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)}";
        MoEModel model = await make(own);
        try
        {
            return await use(model);
        }
        finally
        {
            await ReleaseAsync(own);
        }
    }

    /// <summary>Refuses a name that others may be using: what a command trains begins anew, or from a checkpoint.</summary>
    /// <exception cref="UsageException">There is a model of that name.</exception>
    public async Task RequireFreeAsync(string name, CancellationToken cancellation) => UsageException.ThrowUnless(
        !IsShared || (await Client.ListModelsAsync(cancellation)).All(model => model.Name != name),
        $"The cluster has a model named {name} already. Somebody may be training it. Choose another name, or delete that one by moe runs delete {name} with the same --connect.");

    /// <summary>Deletes a model that was needed only as long as the command. Silos of this process end anyway.</summary>
    public async Task ReleaseAsync(string name)
    {
        if (!IsShared)
        {
            return;
        }

        try
        {
            await Client.DeleteModelAsync(name, CancellationToken.None);
        }
        catch (Exception e) when (e is ViewFailedException or OrleansException or TimeoutException)
        {
            // What the command came to is more than what it leaves.
            _remarks($"The model {name} is still in the cluster: {e.Message} Delete it by moe runs delete {name} with the same --connect.");
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _owned.DisposeAsync();

        // What has not been sent yet is sent now.
        _telemetry?.Dispose();
        _unsent?.Dispose();
        _second.Dispose();
    }
}

using Microsoft.Extensions.Logging;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Workers.Host;
using Orleans.Concurrency;
using Orleans.Runtime.Services;

namespace MoEActors.Grains.Protocol;

/// <summary>The grain service through which the control plane reaches the worker host of its silo.</summary>
[Reentrant]
public sealed class WorkerHostService(GrainId id, Silo silo, ILoggerFactory loggers, WorkerHost host, PlacementMapCache maps)
    : GrainService(id, silo, loggers), IWorkerHostService
{
    /// <inheritdoc />
    public Task<HostInventory> GetInventoryAsync(string model, long term) => Translated(() => host.GetInventoryAsync(model, term));

    /// <inheritdoc />
    public Task<long> GetTermAsync(string model) => Task.FromResult(host.TermOf(model));

    /// <inheritdoc />
    public Task InstallMapAsync(string model, PlacementMap map)
    {
        maps.Install(model, map);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task EndViewAsync(string model, long term, long view, string reason) => Translated(() =>
    {
        host.EndView(model, term, view, reason);
        return Task.FromResult(true);
    });

    /// <inheritdoc />
    public Task ReleaseAsync(string model, long term) => LetGoAsync(model, () => host.ReleaseAsync(model, term));

    /// <inheritdoc />
    public Task ForgetAsync(string model, long term) => LetGoAsync(model, () => host.ForgetAsync(model, term));

    /// <inheritdoc />
    public Task<HostReport?> SubmitAsync(NumberedCommand[] commands, TimeSpan slice) => Translated(() =>
    {
        foreach ((CommandHeader header, Command command) in commands)
        {
            host.Submit(header, command);
        }

        CommandHeader last = commands[^1].Header;
        return slice > TimeSpan.Zero ? host.PollAsync(last.Model, last.Term, last.Number, slice) : Task.FromResult<HostReport?>(null);
    });

    /// <inheritdoc />
    public Task<HostReport?> PollAsync(string model, long term, long number, TimeSpan slice) =>
        Translated(() => host.PollAsync(model, term, number, slice));

    /// <inheritdoc />
    public override Task Stop()
    {
        host.Interrupt(new OperationCanceledException($"Silo {host.Silo} is stopping."));
        return base.Stop();
    }

    private Task<bool> LetGoAsync(string model, Func<Task> release)
    {
        maps.Forget(model);
        return Translated(async () =>
        {
            await release();
            return true;
        });
    }

    /// <summary>The engine's refusal as callers know it.</summary>
    private static async Task<T> Translated<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (CommandRefusedException e)
        {
            throw new StaleCommandException(e.Message);
        }
    }
}

/// <summary>Reaches worker hosts from within a silo.</summary>
public sealed class WorkerHostClient(IServiceProvider services, ISiloStatusOracle silos) : GrainServiceClient<IWorkerHostService>(services), IWorkerHostClient
{
    /// <inheritdoc />
    public IWorkerHostService On(SiloAddress silo)
    {
        // Orleans leaves connections to a silo open for ten seconds after its death: what is sent over that of one which hangs, or was cut off, is neither answered nor
        // turned away until then.
        return silos.IsDeadSilo(silo) ? throw new SiloUnavailableException($"Silo {silo} has been declared dead.") : GetGrainService(silo);
    }
}

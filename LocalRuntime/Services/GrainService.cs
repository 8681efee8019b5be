using Microsoft.Extensions.Logging;
using Orleans.Services;

namespace Orleans.Runtime;

/// <summary>A service of which every silo has one, and which grains of all silos may call. Its calls interleave.</summary>
public abstract class GrainService : SystemTarget, IGrainService
{
    private Activation? _activation;

    /// <summary>On this silo.</summary>
    protected GrainService(GrainId grainId, Silo silo, ILoggerFactory loggerFactory)
        : base(GrainServiceIds.On(grainId.Type, silo.SiloAddress), silo.SiloAddress)
    {
        ArgumentNullException.ThrowIfNull(loggerFactory);
        StoppedCancellationTokenSource = new CancellationTokenSource();
    }

    /// <summary>How far the service has come.</summary>
    protected enum GrainServiceStatus
    {
        /// <summary>Starting.</summary>
        Booting = 0,

        /// <summary>Started.</summary>
        Started,

        /// <summary>Stopped.</summary>
        Stopped,
    }

    /// <summary>How far the service has come.</summary>
    protected GrainServiceStatus Status { get; set; }

    /// <summary>Cancelled when the service stops.</summary>
    protected CancellationTokenSource StoppedCancellationTokenSource { get; }

    /// <summary>Called before the silo becomes active.</summary>
    public virtual Task Init(IServiceProvider serviceProvider) => Task.CompletedTask;

    /// <summary>Called after the silo became active.</summary>
    public virtual Task Start()
    {
        _ = StartInBackground();
        return Task.CompletedTask;
    }

    /// <summary>Called before a silo that stops gracefully is gone.</summary>
    public virtual Task Stop()
    {
        StoppedCancellationTokenSource.Cancel();
        Status = GrainServiceStatus.Stopped;
        return Task.CompletedTask;
    }

    internal void Bind(Activation activation) => _activation = activation;

    /// <summary>Runs code as the service's, the way its calls run.</summary>
    internal Task RunAsync(Func<Task> code) => _activation!.RunAsync(code);

    /// <summary>The part of the start that nobody waits for.</summary>
    protected virtual Task StartInBackground()
    {
        Status = GrainServiceStatus.Started;
        return Task.CompletedTask;
    }
}

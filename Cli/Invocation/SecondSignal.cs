using System.Runtime.InteropServices;

namespace MoEActors.Cli.Invocation;

/// <summary>Ends the process at once when it is asked a second time to end: whoever asks twice does not want to wait.</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;
    private volatile bool _isTermination;

    private SecondSignal() => _registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, Count))];

    /// <summary>
    /// The exit code of a command that runs until it is asked to end and has done so well: 0 on SIGTERM, by which services are ended, and 130 on Ctrl-C, as of every
    /// command that somebody cancels.
    /// </summary>
    public int CodeOfEnd => _isTermination ? ExitCode.Done : ExitCode.Cancelled;

    /// <summary>Begins to count.</summary>
    public static SecondSignal EndsAtOnce() => new();

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Count(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) > 1)
        {
            Environment.Exit(ExitCode.Cancelled);
        }

        _isTermination = context.Signal == PosixSignal.SIGTERM;
    }
}

using System.Runtime.InteropServices;

namespace MoEActors.Cli.Invocation;

/// <summary>Ends the process at once when it is asked a second time to end: whoever asks twice does not want to wait.</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private int _signals;

    private SecondSignal() => _registrations =
        [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, Count))];

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
    }
}

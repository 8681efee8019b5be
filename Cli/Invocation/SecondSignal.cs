using System.Runtime.InteropServices;

namespace MoEActors.Cli.Invocation;

/// <summary>Ends the process at once when it is asked a second time to end: whoever asks twice does not want to wait.</summary>
internal sealed class SecondSignal : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private readonly RepeatedRequest _requests = new(TimeProvider.System);
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
        if (_requests.IsRepeated())
        {
            Environment.Exit(ExitCode.Cancelled);
        }

        _isTermination = context.Signal == PosixSignal.SIGTERM;
    }
}

/// <summary>
/// Tells a second request from an echo of the first: `timeout`, and whatever else passes a signal on, sends it to a program and then to its whole group, as a
/// terminal has done already.
/// </summary>
internal sealed class RepeatedRequest(TimeProvider time)
{
    /// <summary>Nobody decides anew so soon.</summary>
    public static readonly TimeSpan Echo = TimeSpan.FromSeconds(0.5);

    private readonly Lock _lock = new();
    private long? _first;

    /// <summary>Counts a request; true when an earlier one has been made by somebody who has waited since.</summary>
    public bool IsRepeated()
    {
        lock (_lock)
        {
            _first ??= time.GetTimestamp();
            return time.GetElapsedTime(_first.Value) > Echo;
        }
    }
}

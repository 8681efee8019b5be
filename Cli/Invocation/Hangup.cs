using System.Runtime.InteropServices;

namespace MoEActors.Cli.Invocation;

/// <summary>
/// The end of the terminal that the program was started from (SIGHUP): what is at work stops and saves, as on Ctrl-C. A program that was started to outlive its
/// terminal, by nohup, goes on.
/// </summary>
internal sealed class Hangup : IDisposable
{
    /// <summary>128 and the signal's number, as shells have it.</summary>
    public const int Code = 129;

    private const int Signal = 1;

    private readonly CancellationTokenSource _cancellation = new();
    private readonly PosixSignalRegistration? _registration;
    private volatile bool _isUnread;

    private Hangup(bool isIgnored) => _registration = isIgnored ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        _cancellation.Cancel();
    });

    /// <summary>Cancelled when the terminal is gone.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>Begins to wait for it.</summary>
    public static Hangup Watch() => new(IsIgnored());

    /// <summary>Nobody reads what the program writes any more: it ends as if its terminal were gone.</summary>
    public void ReaderIsGone()
    {
        _isUnread = true;
        _ = _cancellation.CancelAsync();
    }

    /// <summary>The exit code of a command that ended with <paramref name="code"/>.</summary>
    public int CodeOf(int code) => _isUnread ? ClosedPipe.Code : code != ExitCode.Done && _cancellation.IsCancellationRequested ? Code : code;

    public void Dispose()
    {
        _registration?.Dispose();
        _cancellation.Dispose();
    }

    /// <summary>Whether the program was started with the signal ignored; Linux tells. Elsewhere the runtime decides.</summary>
    private static bool IsIgnored()
    {
        const string Ignored = "SigIgn:";
        try
        {
            string? line = OperatingSystem.IsLinux()
                ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal))
                : null;
            return line is not null && (Convert.ToUInt64(line[Ignored.Length..].Trim(), 16) >> (Signal - 1) & 1) == 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

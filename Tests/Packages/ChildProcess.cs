using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace MoEActors.Tests.Packages;

/// <summary>A program that a test starts, as a user would: what it says, line by line, and how it ends.</summary>
internal sealed class ChildProcess : IDisposable
{
    /// <summary>Long enough for a build on a machine that is busy with something else.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly ConcurrentQueue<string> _all = new();
    private readonly Task _reading;

    private ChildProcess(Process process)
    {
        _process = process;
        _reading = ReadAllAsync();
    }

    /// <summary>All that it has said.</summary>
    public string Output => string.Join('\n', _all);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its name.</param>
    /// <param name="folder">Where it works.</param>
    /// <param name="arguments">What is behind its name.</param>
    public static ChildProcess Start(string program, string folder, params string[] arguments) =>
        Start(program, folder, new Dictionary<string, string>(), arguments);

    /// <summary>Starts a program whose environment has more than the test's.</summary>
    public static ChildProcess Start(string program, string folder, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";

        // A build server would live on with this folder.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>Runs a program to its end, which must be a good one.</summary>
    public static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        using ChildProcess child = Start(program, folder, arguments);
        int status = await child.EndAsync();
        Assert.True(status == 0, $"{program} {string.Join(' ', arguments)} ended with {status}:\n{child.Output}");
        return child.Output;
    }

    /// <summary>Waits for a line like this; false when it has ended without one.</summary>
    public async Task<bool> TrySayAsync(string pattern) => await FindAsync(pattern) is not null;

    /// <summary>Waits for a line like this.</summary>
    public async Task<Match> SaysAsync(string pattern)
    {
        Match? found = await FindAsync(pattern);
        Assert.True(found is not null, $"It ended without saying \"{pattern}\":\n{Output}");
        return found;
    }

    /// <summary>Asks it to end, as `docker stop` and systemd do.</summary>
    public void Terminate() => Signal("TERM");

    /// <summary>Sends it a signal.</summary>
    public void Signal(string name) => Process.Start("kill", [$"-{name}", Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();

    /// <summary>The number of its process.</summary>
    public int Id => _process.Id;

    /// <summary>Waits for its end.</summary>
    /// <param name="more">What to look at when it does not end.</param>
    /// <returns>Its exit status.</returns>
    public async Task<int> EndAsync(Func<string>? more = null)
    {
        await DiesAsync(more);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>Waits for its end alone: its own children may go on to say something.</summary>
    public async Task DiesAsync(Func<string>? more = null)
    {
        try
        {
            await _process.WaitForExitAsync(Cancellation).WaitAsync(Patience, Cancellation);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"It has not ended within {Patience.TotalSeconds:0} s:\n{Output}\n{more?.Invoke()}");
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task<Match?> FindAsync(string pattern)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(Patience);
        try
        {
            await foreach (string line in _lines.Reader.ReadAllAsync(deadline.Token))
            {
                if (Regex.Match(line, pattern) is { Success: true } match)
                {
                    return match;
                }
            }
        }
        catch (OperationCanceledException) when (!Cancellation.IsCancellationRequested)
        {
            Assert.Fail($"It has not said \"{pattern}\" within {Patience.TotalSeconds:0} s:\n{Output}");
        }

        return null;
    }

    private async Task ReadAllAsync()
    {
        await Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        _lines.Writer.Complete();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            _all.Enqueue(line);
            _lines.Writer.TryWrite(line);
        }
    }
}

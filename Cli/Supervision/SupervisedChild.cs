using System.Diagnostics;
using MoEActors.Cli.Dashboards;
using MoEActors.Cli.Silos;

namespace MoEActors.Cli.Supervision;

/// <summary>This program, started once more as a child that ends with its parent.</summary>
internal sealed class SupervisedChild : IDisposable
{
    /// <summary>
    /// How many arenas GNU's C library gives memory from: with as many as it likes, threads that come and go leave memory behind in each, 1.7 to 4.0 MB in a thousand steps
    /// of a silo, against 0.3 to 0.9 MB with one. It reads this when a process starts, and what is set later does not help.
    /// </summary>
    private const string Arenas = "MALLOC_ARENA_MAX";

    private readonly Process _process;

    private SupervisedChild(Process process, Action<string> said)
    {
        _process = process;
        Id = process.Id;
        Task lines = Task.WhenAll(ReadAsync(process.StandardOutput, said), ReadAsync(process.StandardError, said));
        Ended = EndAsync(lines);
    }

    /// <summary>Its exit code, when it has ended and all that it said has been told.</summary>
    public Task<int> Ended { get; }

    /// <summary>Starts the child.</summary>
    /// <param name="arguments">Its arguments. Everybody on this machine can see them.</param>
    /// <param name="secrets">What it must know and nobody else: variables of its environment.</param>
    /// <param name="said">Is told every line that it says.</param>
    public static SupervisedChild Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string> secrets, Action<string> said)
    {
        string program = Environment.ProcessPath ?? throw new InvalidOperationException("This process does not know its program.");
        bool isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        var start = new ProcessStartInfo(program, [.. isHost ? [Path.Combine(AppContext.BaseDirectory, "moe.dll")] : Array.Empty<string>(), .. arguments, ParentWatch.OptionName])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What this process was told is not for its children.
        foreach (SiloValue value in SiloValue.All)
        {
            start.Environment.Remove(value.Variable);
        }

        start.Environment.Remove(DashboardOptions.TokenVariable);

        start.Environment.TryAdd(Arenas, "1");
        foreach ((string variable, string value) in secrets)
        {
            start.Environment[variable] = value;
        }

        return new SupervisedChild(Process.Start(start)!, said);
    }

    /// <summary>Asks it to end.</summary>
    public void AskToEnd()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Number of its process.</summary>
    public int Id { get; }

    /// <summary>Ends it at once, as a crash does.</summary>
    /// <param name="andItsOwn">Whether what it has started itself ends with it.</param>
    public void Kill(bool andItsOwn = false)
    {
        try
        {
            _process.Kill(andItsOwn);
        }
        catch (Exception e) when (e is InvalidOperationException or AggregateException)
        {
            // It has ended.
        }
    }

    public void Dispose()
    {
        if (!Ended.IsCompleted)
        {
            Kill(andItsOwn: true);
        }

        _process.Dispose();
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> said)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            said(line);
        }
    }

    private async Task<int> EndAsync(Task lines)
    {
        await _process.WaitForExitAsync();
        await lines;
        return _process.ExitCode;
    }
}

using System.Globalization;
using System.Text.RegularExpressions;

namespace MoEActors.Cli.Chaos;

/// <summary>What the processes of a cluster say, in a file, and what can be learnt from it of a run: by the numbers of events, which never change their meaning.</summary>
/// <param name="file">The file.</param>
internal sealed partial class ChaosLog(string file) : IDisposable
{
    private const string Created = "100";
    private const string TermTaken = "102";
    private const string Recovered = "125";

    private readonly Lock _lock = new();
    private readonly StreamWriter _file = new(file) { AutoFlush = true };
    private long _repeated;
    private volatile string? _home;

    /// <summary>Steps that were learnt again.</summary>
    public long StepsRepeated => Interlocked.Read(ref _repeated);

    /// <summary>The silo that has the run's coordinator; null for none yet.</summary>
    public string? Home => _home;

    /// <summary>Takes a line.</summary>
    /// <param name="name">The process that said it.</param>
    /// <param name="line">The line.</param>
    public void Write(string name, string line)
    {
        lock (_lock)
        {
            _file.WriteLine($"{name} {(line.StartsWith($"{name} ", StringComparison.Ordinal) ? line[(name.Length + 1)..] : line)}");
        }

        switch (Event().Match(line).Groups["id"].Value)
        {
            case Created or TermTaken:
                _home = name;
                break;
            case Recovered when Steps().Match(line) is { Success: true } steps:
                Interlocked.Add(ref _repeated, Number(steps, "to") - Number(steps, "from"));
                break;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _file.Dispose();
        }
    }

    private static long Number(Match match, string group) => long.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\S+ [0-9:.]+ \w+: MoEActors\.\S+\[(?<id>[0-9]+)\] ")]
    private static partial Regex Event();

    [GeneratedRegex("snapshot of step (?<from>[0-9]+) .*and are at step (?<to>[0-9]+) again")]
    private static partial Regex Steps();
}

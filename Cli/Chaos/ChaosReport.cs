using System.Globalization;
using System.Text.Json.Serialization;

namespace MoEActors.Cli.Chaos;

/// <summary>What became of a run whose silos were killed.</summary>
internal sealed record ChaosReport
{
    /// <summary>The server in which silos that are processes meet; null for silos of one process.</summary>
    public string? Store { get; init; }

    /// <summary>Silos of the cluster.</summary>
    public required int Silos { get; init; }

    /// <summary>Silos that were killed, or hit in another way.</summary>
    public required int Kills { get; init; }

    /// <summary>Silos that were hit, by what happened at once.</summary>
    public required IReadOnlyDictionary<string, int> Disasters { get; init; }

    /// <summary>Steps between snapshots.</summary>
    public required int SnapshotInterval { get; init; }

    /// <summary>Steps that were acknowledged.</summary>
    public required long AcknowledgedSteps { get; init; }

    /// <summary>Acknowledged steps that the run does not have any more, or has otherwise than the undisturbed run.</summary>
    public required long LostSteps { get; init; }

    /// <summary>Whether losses and parameters are those of the undisturbed run, bit for bit.</summary>
    public required bool BitIdentical { get; init; }

    /// <summary>The first step whose loss differs; null for none.</summary>
    public long? FirstDifference { get; init; }

    /// <summary>Median seconds of a step when nothing happened.</summary>
    public required double SecondsPerStep { get; init; }

    /// <summary>From the first kill to the acknowledgement of the first step without the dead silos, less what <see cref="SecondsPerStep"/> says of the steps that were learnt again and of that step.</summary>
    public required Spread SecondsToResume { get; init; }

    /// <summary>As <see cref="SecondsToResume"/>, by what happened.</summary>
    public required IReadOnlyDictionary<string, Spread> ByDisaster { get; init; }

    /// <summary>The same with those steps.</summary>
    public required Spread SecondsToResumeWithSteps { get; init; }

    /// <summary>Steps that were learnt again after a disaster.</summary>
    public required Spread StepsRepeated { get; init; }

    /// <summary>What happened, one after the other, and how long the run took to go on.</summary>
    public required IReadOnlyList<Resumption> Resumptions { get; init; }

    /// <summary>Whether nothing was lost, and nothing differs.</summary>
    [JsonIgnore]
    public bool IsGood => LostSteps == 0 && BitIdentical;

    /// <summary>Prints it as text.</summary>
    public void Print(TextWriter writer)
    {
        string kinds = string.Join(", ", Disasters.Select(kind => $"{kind.Value} {kind.Key.Replace('_', ' ')}"));
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Kills} {(Store is null ? "silos" : $"processes with {Store}")} of {Silos} hit while {AcknowledgedSteps:N0} steps were learnt ({kinds})"));
        writer.WriteLine(LostSteps == 0
            ? $"no acknowledged step was lost; losses and parameters are {(BitIdentical ? "those of the undisturbed run, bit for bit" : "NOT those of the undisturbed run")}"
            : $"{LostSteps} acknowledged steps were LOST, the first one {FirstDifference}");
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"to resume: median {SecondsToResume.Median:F2} s, 95% within {SecondsToResume.P95:F2} s, worst {SecondsToResume.Worst:F2} s, beside {StepsRepeated.Median:F0} steps learnt again (median; worst {StepsRepeated.Worst:F0}) of {SecondsPerStep * 1e3:F0} ms"));
        foreach ((string kind, Spread spread) in ByDisaster.Where(_ => ByDisaster.Count > 1))
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {kind.Replace('_', ' ')}: median {spread.Median:F2} s, worst {spread.Worst:F2} s"));
        }

        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"with those steps: median {SecondsToResumeWithSteps.Median:F2} s, worst {SecondsToResumeWithSteps.Worst:F2} s"));
    }
}

/// <summary>How a run went on after a disaster.</summary>
/// <param name="What">The disaster.</param>
/// <param name="Silos">The silos that it hit.</param>
/// <param name="Step">The last step that was acknowledged before it.</param>
/// <param name="Seconds">From the last kill to the acknowledgement of the first step in a view of those that were left.</param>
/// <param name="StepsRepeated">Steps that were learnt again in that time.</param>
internal sealed record Resumption(string What, int[] Silos, long Step, double Seconds, long StepsRepeated)
{
    /// <summary><see cref="Seconds"/> less the time of the steps that were learnt again and of that step.</summary>
    public double Less(double secondsPerStep) => Math.Max(0, Seconds - ((StepsRepeated + 1) * secondsPerStep));

    /// <summary>A line of at most 80 columns.</summary>
    /// <param name="kills">Silos that have been killed.</param>
    /// <param name="of">Silos to kill.</param>
    public string Line(int kills, int of) => string.Create(
        CultureInfo.InvariantCulture,
        $"{kills}/{of}, step {Step}: {string.Join(' ', What.Replace('_', ' '), string.Join(", ", Silos)).TrimEnd()}: {Seconds:F1} s, {StepsRepeated} steps again");
}

/// <summary>How values are spread.</summary>
/// <param name="Median">Half are not greater.</param>
/// <param name="P95">95 of 100 are not greater.</param>
/// <param name="Worst">The greatest.</param>
internal sealed record Spread(double Median, double P95, double Worst)
{
    /// <summary>The spread of some values; zeros for none.</summary>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? new Spread(0, 0, 0) : new Spread(At(0.5), At(0.95), sorted[^1]);

        double At(double share) => sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }
}

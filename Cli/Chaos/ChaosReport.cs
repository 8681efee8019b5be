using System.Globalization;

namespace MoEActors.Cli.Chaos;

/// <summary>What became of a run whose silos were killed.</summary>
internal sealed record ChaosReport
{
    /// <summary>Silos of the cluster.</summary>
    public required int Silos { get; init; }

    /// <summary>Silos that were killed.</summary>
    public required int Kills { get; init; }

    /// <summary>Kills by what happened at once.</summary>
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

    /// <summary>The same with those steps.</summary>
    public required Spread SecondsToResumeWithSteps { get; init; }

    /// <summary>Steps that were learnt again after a disaster.</summary>
    public required Spread StepsRepeated { get; init; }

    /// <summary>Prints it as text.</summary>
    public void Print(TextWriter writer)
    {
        string kinds = string.Join(", ", Disasters.Select(kind => $"{kind.Value} {kind.Key.Replace('_', ' ')}"));
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Kills} silos of {Silos} killed while {AcknowledgedSteps:N0} steps were learnt (kills: {kinds})"));
        writer.WriteLine(LostSteps == 0
            ? $"no acknowledged step was lost; losses and parameters are {(BitIdentical ? "those of the undisturbed run, bit for bit" : "NOT those of the undisturbed run")}"
            : $"{LostSteps} acknowledged steps were LOST, the first one {FirstDifference}");
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"to resume: median {SecondsToResume.Median:F2} s, 95% within {SecondsToResume.P95:F2} s, worst {SecondsToResume.Worst:F2} s, beside {StepsRepeated.Median:F0} steps learnt again (median; worst {StepsRepeated.Worst:F0}) of {SecondsPerStep * 1e3:F0} ms"));
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"with those steps: median {SecondsToResumeWithSteps.Median:F2} s, worst {SecondsToResumeWithSteps.Worst:F2} s"));
    }
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

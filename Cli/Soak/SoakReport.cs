using System.Globalization;
using System.Text.Json.Serialization;

namespace MoEActors.Cli.Soak;

/// <summary>What became of a long run, and what its cluster needed.</summary>
internal sealed record SoakReport
{
    /// <summary>The server in which the silos meet.</summary>
    public required string Store { get; init; }

    /// <summary>Silos of the cluster.</summary>
    public required int Silos { get; init; }

    /// <summary>Steps that were acknowledged.</summary>
    public required int Steps { get; init; }

    /// <summary>How often the last silo was killed.</summary>
    public required int Kills { get; init; }

    /// <summary>Seconds that the training took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Acknowledged steps that are others than those of the undisturbed run; null where that was not trained.</summary>
    public long? LostSteps { get; init; }

    /// <summary>Whether losses and parameters are those of the undisturbed run, bit for bit; null where that was not trained.</summary>
    public bool? BitIdentical { get; init; }

    /// <summary>Connections of strangers, and what they sent.</summary>
    public required StrangersReport Strangers { get; init; }

    /// <summary>Connections that the survivors have refused meanwhile: at least those.</summary>
    public required long RefusedConnections { get; init; }

    /// <summary>The silos that were never killed.</summary>
    public required IReadOnlyList<SurvivorReport> Survivors { get; init; }

    /// <summary>Whether nothing is lost or different, and every stranger was refused and counted.</summary>
    [JsonIgnore]
    public bool IsGood => LostSteps is null or 0 && BitIdentical != false && RefusedConnections >= Strangers.Connections;

    /// <summary>Prints it as text.</summary>
    public void Print(TextWriter writer)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        writer.WriteLine(string.Create(culture, $"{Steps:N0} steps on {Silos} silos with {Store} in {Seconds:N0} s; the last silo was killed {Kills} times"));
        writer.WriteLine(BitIdentical switch
        {
            null => "losses and parameters were not compared",
            true => "no acknowledged step was lost; losses and parameters are those of the undisturbed run, bit for bit",
            false => $"losses and parameters are NOT those of the undisturbed run; {LostSteps} steps differ",
        });
        if (Strangers.Connections > 0)
        {
            writer.WriteLine(string.Create(culture, $"{Strangers.Connections:N0} strangers connected and sent {Strangers.Bytes:N0} bytes; {RefusedConnections:N0} connections were refused"));
        }

        foreach (SurvivorReport survivor in Survivors)
        {
            SoakGrowth growth = survivor.GrowthPerThousandSteps;
            SoakSample last = survivor.Samples[^1];
            writer.WriteLine(string.Create(
                culture,
                $"{survivor.Name}: heap {last.HeapBytes / 1e6:F1} MB, native {last.NativeBytes / 1e6:F1} MB, {last.Threads} threads, {last.Sockets} sockets, {last.Handles} handles;"));
            writer.WriteLine(string.Create(
                culture,
                $"  in 1,000 steps {growth.MemoryBytes / 1e6:+0.00;-0.00} MB, {growth.Threads:+0.0;-0.0} threads, {growth.Sockets:+0.0;-0.0} sockets, {growth.Handles:+0.0;-0.0} handles"));
        }
    }
}

/// <summary>What strangers did.</summary>
/// <param name="Connections">Connections that they opened.</param>
/// <param name="Bytes">Bytes that they sent.</param>
internal sealed record StrangersReport(long Connections, long Bytes);

/// <summary>A silo that was never killed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="GrowthPerThousandSteps">What it needed more with every thousand steps, after the first fifth of them.</param>
/// <param name="Samples">What was measured.</param>
internal sealed record SurvivorReport(string Name, SoakGrowth GrowthPerThousandSteps, IReadOnlyList<SoakSample> Samples);

/// <summary>What a process needs more with every thousand steps: slopes of lines through what was measured.</summary>
/// <param name="MemoryBytes">Managed heap and native memory together.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Sockets">Sockets.</param>
/// <param name="Handles">All that is open.</param>
internal sealed record SoakGrowth(double MemoryBytes, double Threads, double Sockets, double Handles)
{
    /// <summary>The growth through some samples.</summary>
    public static SoakGrowth Of(IReadOnlyList<SoakSample> samples) => new(
        Slope(samples, sample => sample.HeapBytes + sample.NativeBytes), Slope(samples, sample => sample.Threads), Slope(samples, sample => sample.Sockets),
        Slope(samples, sample => sample.Handles));

    /// <summary>The slope of the line of least squares, in a thousand steps; 0 for a single sample.</summary>
    private static double Slope(IReadOnlyList<SoakSample> samples, Func<SoakSample, double> value)
    {
        double steps = samples.Average(sample => sample.Step), values = samples.Average(value);
        double spread = samples.Sum(sample => (sample.Step - steps) * (sample.Step - steps));
        return spread == 0 ? 0 : 1000 * samples.Sum(sample => (sample.Step - steps) * (value(sample) - values)) / spread;
    }
}

using System.CommandLine;
using System.Globalization;
using MoEActors.Client;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Cli.Configuration;

/// <summary>What travels in the layers of a run, as it is asked for; see docs/parallelism.md.</summary>
/// <param name="Parallelism">What travels; null to have it chosen by what steps take.</param>
internal sealed record TravelChoice(ParallelismChoice? Parallelism)
{
    /// <summary>The name of rows that travel, which is what a new run does anyway.</summary>
    public const string Default = "expert";

    /// <summary>What can be asked for, in a line.</summary>
    public const string Names = "expert, data, copies, slices-R, tuned";

    private const string Slices = "slices-";

    /// <summary>The option.</summary>
    public static Option<string> Option() => new("--parallelism")
    {
        Description = $"What travels between silos: {Names}. No bit of a reproducible run depends on it, which has no slices; see docs/parallelism.md.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Default,
    };

    /// <summary>What a name stands for.</summary>
    /// <exception cref="UsageException">Nothing.</exception>
    public static TravelChoice Of(string name) => Find(name) ?? throw new UsageException($"--parallelism {name} is none of {Names}.");

    /// <summary>What a name stands for; null for nothing.</summary>
    public static TravelChoice? Find(string name) => name switch
    {
        Default => new TravelChoice(ParallelismChoice.ExpertParallel),
        "data" => new TravelChoice(LayerParallelism.Data),
        "copies" => new TravelChoice(LayerParallelism.TransientCopies),
        "tuned" => new TravelChoice((ParallelismChoice?)null),
        _ when name.StartsWith(Slices, StringComparison.Ordinal)
            && int.TryParse(name[Slices.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int slices) && slices > 1 =>
            new TravelChoice(ParallelismChoice.Sliced(slices)),
        _ => null,
    };

    /// <summary>Throws if a run cannot have it: a reproducible one has no slices.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public void RequirePossible(bool reproducible) => UsageException.ThrowUnless(
        !reproducible || Parallelism is not { Slices: > 1 },
        $"--parallelism {Slices}{Parallelism?.Slices} adds up in another order than whole experts do, and the run is reproducible: a file for --config can say \"reproducible\": false.");

    /// <summary>Makes it so in all layers of a model.</summary>
    public Task ApplyAsync(MoEModel model, CancellationToken cancellation) => Parallelism is { } chosen
        ? model.ConfigureParallelismAsync(chosen, cancellationToken: cancellation)
        : model.TuneParallelismAsync(cancellationToken: cancellation);
}

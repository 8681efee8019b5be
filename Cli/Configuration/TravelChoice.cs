using System.CommandLine;
using MoEActors.Client;
using MoEActors.Placement.Map;

namespace MoEActors.Cli.Configuration;

/// <summary>What travels in the layers of a run, as it is asked for; see docs/parallelism.md.</summary>
/// <param name="Parallelism">What travels; null to have it chosen by what steps take.</param>
internal sealed record TravelChoice(LayerParallelism? Parallelism)
{
    /// <summary>The name of rows that travel, which is what a new run does anyway.</summary>
    public const string Default = "expert";

    /// <summary>What can be asked for.</summary>
    public static readonly IReadOnlyDictionary<string, LayerParallelism?> Names = new Dictionary<string, LayerParallelism?>
    {
        [Default] = LayerParallelism.Expert,
        ["data"] = LayerParallelism.Data,
        ["copies"] = LayerParallelism.TransientCopies,
        ["tuned"] = null,
    };

    /// <summary>The option.</summary>
    public static Option<string> Option() => new("--parallelism")
    {
        Description = $"What travels between silos: {string.Join(", ", Names.Keys)}. No bit of a reproducible run depends on it; see docs/parallelism.md.",
        HelpName = "NAME",
        DefaultValueFactory = _ => Default,
    };

    /// <summary>What a name stands for.</summary>
    /// <exception cref="UsageException">Nothing.</exception>
    public static TravelChoice Of(string name) => Names.TryGetValue(name, out LayerParallelism? parallelism)
        ? new TravelChoice(parallelism)
        : throw new UsageException($"--parallelism {name} is none of {string.Join(", ", Names.Keys)}.");

    /// <summary>Makes it so in all layers of a model.</summary>
    public Task ApplyAsync(MoEModel model, CancellationToken cancellation) => Parallelism is { } chosen
        ? model.ConfigureParallelismAsync(chosen, cancellationToken: cancellation)
        : model.TuneParallelismAsync(cancellationToken: cancellation);
}

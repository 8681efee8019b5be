using System.Text.Json;
using System.Text.RegularExpressions;
using MoEActors.Silo.Embedded;

namespace MoEActors.Cli.Configuration;

/// <summary>Finds values of a file that are well-formed and still cannot work, alone or together, and names their paths.</summary>
internal static partial class OptionConflicts
{
    /// <summary>Every error, each once.</summary>
    /// <param name="file">The file.</param>
    /// <param name="forEstimate">Whether its run is only estimated, however large it is.</param>
    public static IEnumerable<string> Of(TrainFile file, bool forEstimate)
    {
        IEnumerable<string> counts = new (string Name, int? Value)[]
        {
            ("microBatches", file.MicroBatches), ("batch", file.Batch), ("silos", file.Silos), ("steps", file.Steps), ("keep", file.Keep),
        }
            .Where(count => count.Value < 1)
            .Select(count => $"$.{count.Name} is {count.Value}; it must be at least 1.");
        return (forEstimate ? file.Model.ErrorsOfEstimate() : file.Model.Errors()).Select(error => WithPath("$.model", error))
            .Concat(file.Optimizer.Errors().Select(error => WithPath("$.optimizer", error)))
            .Concat(counts)
            .Concat(Others(file, forEstimate))
            .Distinct();
    }

    private static IEnumerable<string> Others(TrainFile file, bool forEstimate)
    {
        if (file.Seconds is { } seconds && !NumberOption.IsTime(seconds))
        {
            yield return $"$.seconds is {seconds}; it must be {NumberOption.TimeRule}.";
        }

        if (!forEstimate && file.Silos > EmbeddedClusterOptions.MostSilos)
        {
            yield return $"$.silos is {file.Silos}; it must be at most {EmbeddedClusterOptions.MostSilos}.";
        }

        if (file.Optimizer.TotalSteps > int.MaxValue)
        {
            yield return $"$.optimizer.totalSteps is {file.Optimizer.TotalSteps}; it must be at most {int.MaxValue}.";
        }

        if (file.Parallelism is { } parallelism && TravelChoice.Find(parallelism) is null)
        {
            yield return $"$.parallelism is '{parallelism}'; it must be one of {TravelChoice.Names}.";
        }

        if (file.Weights is { } weights && (weights.Count != (file.Text?.Count ?? 0) || weights.Any(weight => !(weight > 0))))
        {
            yield return $"$.weights must be {file.Text?.Count ?? 0} numbers above 0, one for each entry of $.text.";
        }

        if (file.Steps is not null && file.Seconds is not null)
        {
            yield return "$.steps and $.seconds exclude each other.";
        }

        if (file.Recompute is { } recompute && LayerSelection.Parse(recompute, file.Model.Layers) is null)
        {
            yield return $"$.recompute is '{recompute}'; it must be all, none, or layers from 0 to {file.Model.Layers - 1} such as 0,2-3.";
        }

        foreach ((string name, int? value) in new[] { ("saveEvery", file.SaveEvery), ("evalEvery", file.EvalEvery), ("patience", file.Patience) })
        {
            if (value < 0)
            {
                yield return $"$.{name} is {value}; it must be at least 0.";
            }
        }

        if (file.Name is { } run && !OutputPath.IsRunName(run))
        {
            yield return $"$.name is '{run}'; it must be the name of a folder below runs/.";
        }

        if (file.Model.Backbone == Backbone.None)
        {
            yield return "$.model.trunk is none; text is learnt by a decoder. A layer by itself is trained from C#, see docs/layers.md.";
        }

        if (file.Model.Seed > long.MaxValue)
        {
            yield return $"$.model.seed is {file.Model.Seed}; it must be at most {long.MaxValue}.";
        }
    }

    /// <summary>Turns the property that an error begins with into a path. Errors of a layer's gate are the same for every layer.</summary>
    private static string WithPath(string section, string error)
    {
        Match words = ErrorPattern().Match(error);
        string path = words.Groups["layer"].Success ? $"{section}.gate" : section;
        string name = words.Groups["name"].Value;
        bool isProperty = words.Groups["layer"].Success || name != nameof(ModelConfiguration.Layers);
        return $"{path}{(isProperty ? $".{JsonNamingPolicy.CamelCase.ConvertName(name)}" : "")}{words.Groups["index"].Value}: {words.Groups["rest"].Value}";
    }

    [GeneratedRegex(@"^(?<layer>Layer \d+: )?(?<rest>(?<name>\w+)(?<index>\[\d+\])?.*)$", RegexOptions.Singleline)]
    private static partial Regex ErrorPattern();
}

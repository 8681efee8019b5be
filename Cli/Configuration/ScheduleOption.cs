using System.CommandLine;
using System.Text.Json;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Cli.Configuration;

/// <summary>How the learning rate of a run goes on after the warm-up, in the words of its file.</summary>
internal static class ScheduleOption
{
    private static readonly Dictionary<string, LearningRateSchedule> Names =
        Enum.GetValues<LearningRateSchedule>().ToDictionary(schedule => JsonNamingPolicy.CamelCase.ConvertName(schedule.ToString()));

    /// <summary>The option.</summary>
    public static Option<string> Create() => TextOption.WithDefault(
        "--schedule", "NAME", "How the learning rate goes on after the warm-up: down along half a cosine, constant, or wsd (down in the last fifth alone).", "cosine");

    /// <summary>What a name stands for.</summary>
    /// <exception cref="UsageException">Nothing.</exception>
    public static LearningRateSchedule Of(string name) =>
        Names.TryGetValue(name, out LearningRateSchedule schedule) ? schedule : throw new UsageException($"--schedule {name} is none of {string.Join(", ", Names.Keys)}.");
}

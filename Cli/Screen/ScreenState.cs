using MoEActors.Cli.Progress;

namespace MoEActors.Cli.Screen;

/// <summary>All that the screen shows. Immutable: one thread tells, another draws.</summary>
/// <param name="Name">Name of the run.</param>
internal sealed record ScreenState(string Name)
{
    /// <summary>The run after its last step; null before the first.</summary>
    public TrainingProgress? Progress { get; init; }

    /// <summary>What is being done while no step is reported; null while steps go by.</summary>
    public Phase? Phase { get; init; }

    /// <summary>Something worth knowing as long as the run goes on; null for nothing.</summary>
    public string? Announcement { get; init; }

    /// <summary>What was done before the first step, in order.</summary>
    public IReadOnlyList<Phase> Done { get; init; } = [];

    /// <summary>The state in which something else is being done.</summary>
    public ScreenState Enter(string phase, string? detail, DateTimeOffset now)
    {
        if (Phase is { } current && current.Name == phase)
        {
            return this with { Phase = current with { Detail = detail } };
        }

        IReadOnlyList<Phase> done = Progress is null && Phase is { } before ? [.. Done, before with { Ended = now, Detail = null }] : Done;
        return this with { Phase = new Phase(phase, now) { Detail = detail }, Done = done };
    }

    /// <summary>The state after a step.</summary>
    public ScreenState Report(TrainingProgress progress) => this with { Progress = progress, Phase = null, Done = [] };
}

/// <summary>Something that a run does besides steps.</summary>
/// <param name="Name">What, as in "starting 4 silos".</param>
/// <param name="Began">Since when.</param>
internal sealed record Phase(string Name, DateTimeOffset Began)
{
    /// <summary>How far it is; null where there is nothing to count.</summary>
    public string? Detail { get; init; }

    /// <summary>When it was done; null while it is not.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>In words, with the seconds that it has taken.</summary>
    public string InWords(DateTimeOffset now)
    {
        double seconds = Math.Max(0, ((Ended ?? now) - Began).TotalSeconds);
        return $"{Name}{(Detail is null ? "" : $": {Detail}")}{(Ended is null ? $" ... {seconds:0} s" : $", {seconds:0.0} s")}";
    }
}

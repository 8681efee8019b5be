namespace MoEActors.Workers.Commands;

/// <summary>Where a command belongs. Its host reads this before it takes the command.</summary>
/// <param name="Model">The model.</param>
/// <param name="Term">Number of the coordinator's reign.</param>
/// <param name="View">The cluster view: the agreement on members and map.</param>
/// <param name="Number">Number of the command within the term; commands run in this order.</param>
/// <param name="Trace">The coordinator's activity as a W3C trace parent; null when nobody traces.</param>
[GenerateSerializer, Immutable, Alias("moe.command.header")]
public readonly record struct CommandHeader(
    [property: Id(0)] string Model, [property: Id(1)] long Term, [property: Id(2)] long View, [property: Id(3)] long Number,
    [property: Id(4)] string? Trace = null);

/// <summary>
/// What every member of a view does at the same time, on the executor threads of its workers. A command is refused when its header is older than
/// what the host has seen, and taken once however often it arrives. Wire ids are append-only.
/// </summary>
[GenerateSerializer, Immutable, Alias("moe.command")]
public abstract class Command;

/// <summary>A command by what each worker answers to it.</summary>
/// <typeparam name="TReport">The report.</typeparam>
[GenerateSerializer, Immutable, Alias("moe.command`1")]
public abstract class Command<TReport> : Command
    where TReport : WorkerReport;

/// <summary>What one worker answers to a command.</summary>
[GenerateSerializer, Immutable, Alias("moe.report")]
public abstract class WorkerReport
{
    /// <summary>The worker's rank.</summary>
    [Id(0)] public required int Rank { get; init; }
}

/// <summary>The worker has done it, and there is nothing else to say.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.done")]
public sealed class DoneReport : WorkerReport;

/// <summary>How a command ended on one host.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.host")]
public sealed class HostReport
{
    /// <summary>Number of the command.</summary>
    [Id(0)] public required long Number { get; init; }

    /// <summary>What failed, naming worker and cause; null when nothing did.</summary>
    [Id(1)] public string? Failure { get; init; }

    /// <summary>Whether the failure is only that a peer failed: the cause is in another host's report.</summary>
    [Id(2)] public bool IsConsequence { get; init; }

    /// <summary>The reports of the host's workers that are in the view, in device order.</summary>
    [Id(3)] public WorkerReport[] Workers { get; init; } = [];

    /// <summary>Memory of the host's workers, by device.</summary>
    [Id(4)] public WorkerMemory[] Memory { get; init; } = [];
}

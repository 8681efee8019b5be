namespace MoEActors.Workers.Commands;

/// <summary>Where a command belongs. Its host reads this before it takes the command.</summary>
/// <param name="Model">The model.</param>
/// <param name="Term">The coordinator's term.</param>
/// <param name="View">The cluster view: the agreement on members and map.</param>
/// <param name="Number">Number of the command within the term; commands run in this order.</param>
/// <param name="Trace">The coordinator's activity as a W3C trace parent; null when nobody traces.</param>
[GenerateSerializer, Immutable, Alias("moe.command.header")]
public readonly record struct CommandHeader(
    [property: Id(0)] string Model, [property: Id(1)] long Term, [property: Id(2)] long View, [property: Id(3)] long Number,
    [property: Id(4)] string? Trace = null);

/// <summary>A command with its header, as it travels.</summary>
[GenerateSerializer, Immutable, Alias("moe.command.numbered")]
public readonly record struct NumberedCommand([property: Id(0)] CommandHeader Header, [property: Id(1)] Command Command);

/// <summary>
/// What every member of a view does at the same time, on the executor threads of its workers. A command is refused when its header is older than
/// what the host has seen, and taken once however often it arrives. Wire ids are append-only.
/// </summary>
[GenerateSerializer, Immutable, Alias("moe.command")]
public abstract record Command;

/// <summary>A command by what each worker answers to it.</summary>
/// <typeparam name="TReport">The report.</typeparam>
[GenerateSerializer, Immutable, Alias("moe.command`1")]
public abstract record Command<TReport> : Command
    where TReport : WorkerReport;

/// <summary>What one worker answers to a command.</summary>
[GenerateSerializer, Immutable, Alias("moe.report")]
public abstract record WorkerReport
{
    /// <summary>The worker's rank.</summary>
    [Id(0)] public required int Rank { get; init; }
}

/// <summary>The worker has done it, and there is nothing else to say.</summary>
[GenerateSerializer, Immutable, Alias("moe.report.done")]
public sealed record DoneReport : WorkerReport;

/// <summary>How a command ended on one host.</summary>
/// <param name="Number">Number of the command.</param>
/// <param name="Failure">What failed, naming worker and cause; null when nothing did.</param>
/// <param name="IsConsequence">Whether the failure is only that a peer failed: the cause is in another host's report.</param>
/// <param name="Workers">The reports of the host's workers that are in the view, in device order.</param>
/// <param name="Memory">Memory of the host's workers, by device.</param>
/// <param name="Cause">Where code that is none of the library's threw, with its stack; null where it did not.</param>
/// <param name="Missing">Ranks that the host's workers could not reach over the data plane; null for none.</param>
[GenerateSerializer, Immutable, Alias("moe.report.host")]
public sealed record HostReport(
    [property: Id(0)] long Number, [property: Id(1)] string? Failure, [property: Id(2)] bool IsConsequence, [property: Id(3)] WorkerReport[] Workers,
    [property: Id(4)] WorkerMemory[] Memory, [property: Id(5)] string? Cause = null, [property: Id(6)] int[]? Missing = null);

using MoEActors.Modules.Checkpoints;

namespace MoEActors.Workers.Commands;

/// <summary>
/// Copy what a step has made of the parameters and moments, between that step and the next, and write the copy to disk while training goes on. What
/// came of it is in a later <see cref="StepReport"/>, or in that of <see cref="FinishSnapshotCommand"/>.
/// </summary>
/// <param name="Step">The committed step.</param>
/// <param name="Place">The place, as <see cref="CheckpointPlaces"/> has it.</param>
/// <param name="Tag">Part of the names of all files of this snapshot and of no other.</param>
/// <param name="Kept">The tag of the last snapshot that is complete, whose copies stay in memory; null for none.</param>
[GenerateSerializer, Immutable, Alias("moe.command.snapshot")]
public sealed record SnapshotCommand(
    [property: Id(0)] long Step, [property: Id(1)] string Place, [property: Id(2)] string Tag, [property: Id(3)] string? Kept = null) : Command<DoneReport>;

/// <summary>Wait until what was begun of a snapshot is on disk.</summary>
/// <param name="Tag">The snapshot's tag.</param>
[GenerateSerializer, Immutable, Alias("moe.command.snapshot.finish")]
public sealed record FinishSnapshotCommand([property: Id(0)] string Tag) : Command<SnapshotReport>;

/// <summary>What a worker has written of a snapshot.</summary>
/// <param name="Part">Its part; null when it has none of that tag.</param>
[GenerateSerializer, Immutable, Alias("moe.report.snapshot")]
public sealed record SnapshotReport([property: Id(0)] SnapshotPart? Part) : WorkerReport;

/// <summary>One worker's part of a snapshot.</summary>
/// <param name="Tag">The snapshot's tag.</param>
/// <param name="Files">Files that are on disk.</param>
/// <param name="Error">Why they could not be written; null when they were.</param>
[GenerateSerializer, Immutable, Alias("moe.snapshot.part")]
public sealed record SnapshotPart([property: Id(0)] string Tag, [property: Id(1)] CheckpointFile[] Files, [property: Id(2)] string? Error);

/// <summary>What a worker has in memory of a snapshot, whoever has written it.</summary>
/// <param name="Tag">The snapshot's tag.</param>
/// <param name="Dense">Whether the dense part is among it.</param>
/// <param name="Experts">The experts, in canonical order.</param>
[GenerateSerializer, Immutable, Alias("moe.snapshot.held")]
public sealed record HeldCopies([property: Id(0)] string Tag, [property: Id(1)] bool Dense, [property: Id(2)] ExpertId[] Experts);

/// <summary>Who gives what of a snapshot from memory to those who need it.</summary>
/// <param name="Tag">The snapshot's tag.</param>
/// <param name="Dense">The rank that gives the dense part.</param>
/// <param name="Experts">By layer and expert: the rank that gives it.</param>
[GenerateSerializer, Immutable, Alias("moe.snapshot.sources")]
public sealed record CopySources([property: Id(0)] string Tag, [property: Id(1)] int Dense, [property: Id(2)] int[][] Experts);

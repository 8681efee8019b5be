namespace MoEActors.Grains.Interfaces.Workers;

/// <summary>What was found or written of one block of parameters.</summary>
/// <param name="Block">Prefix of its tensors; empty for the dense part.</param>
/// <param name="Hash">Hash of its values' bits.</param>
/// <param name="File">File it was written to; empty when none was.</param>
/// <param name="Tensors">Names of the tensors in the file.</param>
/// <param name="Bytes">Bytes of their data.</param>
[GenerateSerializer]
[Immutable]
[Alias("moe.report.block")]
public sealed record BlockReport(
    [property: Id(0)] string Block, [property: Id(1)] ulong Hash, [property: Id(2)] string File, [property: Id(3)] string[] Tensors,
    [property: Id(4)] long Bytes);

namespace MoEActors.Cli.Training;

/// <summary>Where a run goes on.</summary>
/// <param name="RunId">The run's identity.</param>
/// <param name="Step">Steps that are done.</param>
internal sealed record ResumePoint(string RunId, long Step);

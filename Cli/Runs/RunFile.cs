using System.Text.Json.Serialization;

namespace MoEActors.Cli.Runs;

/// <summary>
/// What a run needs, beside its checkpoint, to go on as if it had never stopped: the file run.json of its folder. Model, optimizer and step are
/// in the checkpoint itself.
/// </summary>
/// <param name="Id">Identity of the run. The checkpoint's cursor has it too, so that neither is taken for another run's.</param>
/// <param name="Name">Name of the run: that of its folder, whatever the file says.</param>
/// <param name="Text">Files and folders of the text, as full paths, or in the file as they are seen from the run's folder; empty for the .NET documentation.</param>
/// <param name="TextHash">SHA-256 of the text that is trained on: batches follow from it, the seed and the step.</param>
/// <param name="Seed">Seed of the windows and of the sample.</param>
/// <param name="Batch">Sequences per step, of all micro-batches together.</param>
/// <param name="Silos">Number of embedded silos; results do not depend on it.</param>
/// <param name="Steps">Steps that the run was asked for.</param>
/// <param name="SaveEvery">Steps between two checkpoints; 0 for one at the end.</param>
/// <param name="Prompt">What the sample begins with.</param>
/// <param name="Director">Whether the placement follows the load.</param>
/// <param name="TurnsAfter">The last step on the first half of the text, for a run that changes its subject; null for one that does not.</param>
/// <param name="Keep">Checkpoints that the run keeps.</param>
/// <param name="EvalEvery">Steps between two evaluations; 0 for one at the end.</param>
/// <param name="Patience">Evaluations without a new best one after which the run ends; 0 for never.</param>
/// <param name="Placement">Where experts were at the checkpoint; null where that is not known. Results do not depend on it.</param>
/// <param name="Model">In a cluster of other processes, what tells the run's model there from every other; null elsewhere.</param>
/// <param name="Reading">How the text is read; null where it is plain.</param>
internal sealed record RunFile(
    string Id,
    string Name,
    IReadOnlyList<string> Text,
    [property: JsonPropertyName("text_sha256")] string TextHash,
    long Seed,
    int Batch,
    int Silos,
    long Steps,
    int SaveEvery,
    string Prompt,
    bool Director = false,
    long? TurnsAfter = null,
    int Keep = 1,
    int EvalEvery = 0,
    int Patience = 0,
    RunPlacement? Placement = null,
    Guid? Model = null,
    TextReading? Reading = null)
{
    /// <summary>The step that the run goes on to: what it was asked for; when that is done, the end of its schedule.</summary>
    /// <param name="step">The step that it goes on from.</param>
    /// <param name="run">The run.</param>
    public long GoalFrom(long step, RunConfiguration run) => step < Steps ? Steps : Math.Max(step, run.Optimizer.TotalSteps);
}

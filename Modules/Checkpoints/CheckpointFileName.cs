using System.Globalization;
using System.Text.RegularExpressions;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// Names of the files that a save writes, exactly: what has another name is somebody else's and stays. They carry the step and the save's tag, so that an
/// older checkpoint in the folder - of this run or another - stays whole until the index has changed.
/// </summary>
internal static partial class CheckpointFileName
{
    /// <summary>What the names of files with parameters start with.</summary>
    public const string WeightStem = "model";

    /// <summary>What the names of files with moments start with.</summary>
    public const string MomentStem = "optimizer";

    /// <summary>A tag for a save that no other save has.</summary>
    public static string NewTag() => Guid.NewGuid().ToString("n")[..8];

    /// <summary>The name of a worker's file.</summary>
    /// <param name="stem">What is in it.</param>
    /// <param name="step">The step whose state this is.</param>
    /// <param name="tag">Tells this save from others.</param>
    /// <param name="rank">The worker.</param>
    /// <param name="workers">Workers that save.</param>
    public static string Of(string stem, long step, string tag, int rank, int workers) =>
        string.Create(CultureInfo.InvariantCulture, $"{stem}-step-{step:00000000}-{tag}-{rank + 1:00000}-of-{workers:00000}.safetensors");

    /// <summary>Whether a save has given a file its name: one of tensors, finished or not, or an index or description that is not finished.</summary>
    public static bool IsOfSave(string name) => Tensors().IsMatch(name) || UnfinishedTexts().IsMatch(name);

    // Older saves called an unfinished file after the finished one alone.
    [GeneratedRegex(
        @"^(model|optimizer)-step-[0-9]{8,}-[0-9a-f]{8}-[0-9]{5,}-of-[0-9]{5,}\.safetensors(\.([0-9a-f]{8}\.)?unfinished)?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Tensors();

    [GeneratedRegex(
        @"^(config\.json|model\.safetensors\.index\.json)\.[0-9a-f]{8}\.unfinished\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex UnfinishedTexts();
}

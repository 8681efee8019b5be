using System.Globalization;

namespace MoEActors.Client.History.TensorBoard;

/// <summary>
/// Writes the figures of a run to an event file, which TensorBoard shows: losses, learning rate, norm, speed, balance, and how the load is distributed over the experts. A run that goes on
/// begins another file, whose first event says which steps of those before count no more.
/// </summary>
public sealed class EventFileWriter : RunFileWriter
{
    private const string NamePrefix = "events.out.tfevents.";

    private EventFileWriter(Stream file)
        : base(file, "event file", "events")
    {
    }

    /// <summary>Begins an event file.</summary>
    /// <param name="folder">The run's folder, which must be there; TensorBoard calls the run by its name.</param>
    /// <param name="after">The step that the run goes on from; 0 when it begins.</param>
    /// <exception cref="IOException">The file cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written to.</exception>
    public static EventFileWriter Open(string folder, long after)
    {
        // TensorBoard reads the files of a folder in the order of their names.
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string name = string.Create(CultureInfo.InvariantCulture, $"{NamePrefix}{now.ToUnixTimeMilliseconds():D13}.{Environment.MachineName}.{Environment.ProcessId}");
        var file = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete, bufferSize: 0);
        try
        {
            RecordFrame.Write(EventMessage.Version(now).Bytes, file);
            RecordFrame.Write(EventMessage.Start(after + 1, now).Bytes, file);
            return new EventFileWriter(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The event files of a folder.</summary>
    public static IEnumerable<string> Find(string folder) => Directory.Exists(folder) ? Directory.EnumerateFiles(folder, $"{NamePrefix}*") : [];

    /// <inheritdoc />
    private protected override void Write(RunEvent happened, Stream stream)
    {
        var message = new EventMessage(happened.Step, happened.Time);
        switch (happened)
        {
            case StepEvent step:
                Add(step, message);
                break;
            case LoadEvent load:
                Add(load, message);
                break;
            case EvaluationEvent evaluation:
                message.Add("loss/validation", evaluation.Loss);
                break;
        }

        if (message.Message() is { } written)
        {
            RecordFrame.Write(written.Bytes, stream);
        }
    }

    private static void Add(StepEvent step, EventMessage message)
    {
        message.Add("loss/total", step.Loss).Add("loss/cross_entropy", step.CrossEntropy);
        foreach ((string name, double loss) in step.AuxiliaryLosses)
        {
            message.Add($"loss/{name}", loss);
        }

        message
            .Add("optimizer/learning_rate", step.LearningRate)
            .Add("optimizer/gradient_norm", step.GradientNorm)
            .Add("speed/tokens_per_second", step.TokensPerSecond)
            .Add("speed/step_seconds", step.Seconds);
        if (step.Balance.Count > 0)
        {
            message.Add("routing/balance", step.Balance.Max());
        }

        if (step.ChosenTokens > 0)
        {
            message.Add("routing/dropped_share", (double)step.DroppedTokens / step.ChosenTokens);
            message.Add("routing/entropy", step.RouterEntropy.Where(entropy => entropy > 0).DefaultIfEmpty().Average());
        }
    }

    private static void Add(LoadEvent load, EventMessage message)
    {
        message.Add("routing/dead_experts", load.DeadExperts.Sum());
        for (int layer = 0; layer < load.Tokens.Count; layer++)
        {
            if (load.Tokens[layer].Count > 0)
            {
                message.Add($"load/layer_{layer}", load.LoadsOf(layer));
                message.Add($"dead_experts/layer_{layer}", load.DeadExperts[layer]);
            }
        }
    }
}

using MoEActors.Client;
using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Docs;

/// <summary>The history of the guide: what stands there is what compiles here.</summary>
internal static class HistoryExample
{
    public static async Task RunAsync(MoEModel model, IEnumerable<IReadOnlyList<MicroBatch>> batches, IReadOnlyList<MicroBatch> validation)
    {
        await using var history = HistoryWriter.Open("runs/mine/metrics.jsonl", after: model.Step);
        await foreach (StepOutcome step in model.TrainAsync(batches))
        {
            history.Log(StepEvent.Of(step));
        }

        EvaluationOutcome loss = await model.EvaluateAsync(validation);
        history.Log(new EvaluationEvent { Step = model.Step, Loss = loss.Loss, Tokens = loss.Tokens });
        await history.FlushAsync();
    }
}

using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;

namespace MoEActors.Grains.Workers;

/// <summary>
/// What one worker does of a step, or of an evaluation, of a model with a decoder: rank m mod W runs micro-batch m in round ⌊m/W⌋, and every rank
/// takes part in every round.
/// </summary>
internal sealed class DecoderStep(StepGradients gradients, ArenaReservation? reservation, PhaseClock clock)
{
    private readonly List<LossPart> _losses = [];

    /// <summary>Losses of this worker's micro-batches.</summary>
    public LossPart[] Losses => [.. _losses];

    /// <summary>Forward and backward over all rounds; gradients are complete and kept afterwards.</summary>
    /// <param name="view">The open epoch.</param>
    /// <param name="step">The step.</param>
    /// <param name="microBatches">Micro-batches of the step.</param>
    /// <param name="targets">Predicted tokens of the step.</param>
    /// <param name="mine">This worker's micro-batches by index.</param>
    public void Prepare(EpochView view, long step, int microBatches, long targets, IReadOnlyDictionary<int, MicroBatch> mine)
    {
        if (step != gradients.Parameters.Version + 1)
        {
            throw new InvalidOperationException($"Step {step} cannot be prepared: this worker has committed {gradients.Parameters.Version}.");
        }

        _losses.Clear();
        gradients.Begin();
        int workers = view.Map.Workers.Length;
        for (int first = 0; first < microBatches; first += workers)
        {
            int index = first + view.Rank;
            MicroBatch? batch = index < microBatches ? mine[index] : null;
            gradients.Parameters.Dense.ClearGradients();
            if (batch is not null)
            {
                reservation?.Cover(view, MicroBatchShape.Of(batch));
            }

            clock.Enter(Phase.Dense);
            MicroBatchLoss loss = view.Decoder.Train(
                batch, 1f / Math.Max(1, targets), 1f / microBatches, new MicroBatchPlace(step, index));
            clock.Enter(Phase.Gradients);
            view.EndRound();
            if (batch is not null)
            {
                _losses.Add(new LossPart(index, loss.CrossEntropySum, loss.Auxiliary));
                gradients.Counts.Add(index, view.Decoder);
            }

            gradients.AddDense(contributes: batch is not null);
        }

        gradients.Complete(step);
    }

    /// <summary>Σ of the cross-entropy of this worker's micro-batches.</summary>
    public LossPart[] Evaluate(EpochView view, int microBatches, IReadOnlyDictionary<int, MicroBatch> mine)
    {
        _losses.Clear();
        for (int first = 0; first < microBatches; first += view.Map.Workers.Length)
        {
            int index = first + view.Rank;
            MicroBatch? batch = index < microBatches ? mine[index] : null;
            double sum = view.Decoder.Evaluate(batch);
            if (batch is not null)
            {
                _losses.Add(new LossPart(index, sum, 0));
            }
        }

        return Losses;
    }
}

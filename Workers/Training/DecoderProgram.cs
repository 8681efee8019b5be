using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Inference;
using MoEActors.Workers.Memory;

namespace MoEActors.Workers.Training;

/// <summary>
/// Steps, evaluations and text of a model with a decoder: rank m mod W runs micro-batch m in round ⌊m/W⌋, and every rank takes part in every round.
/// </summary>
internal sealed class DecoderProgram : StepProgram
{
    private readonly StepGradients _gradients;
    private readonly ArenaReservation? _reservation;
    private readonly PhaseClock _clock;
    private readonly DecoderModel _decoder;
    private readonly List<LossPart> _losses = [];
    private WorkerView _view;

    public DecoderProgram(WorkerModel model, WorkerView view)
    {
        _view = view;
        _gradients = model.Gradients;
        _reservation = model.Reservation;
        _clock = model.Times.Clock;
        Wiring = model.Wire(view, view.Map.Layers);
        _decoder = new DecoderModel(
            model.Run.Model, model.Device, model.Arena, model.Parameters.Dense, layer => Wiring.Connect(view.Map, layer, layer), _clock,
            LayerSelection.Parse(model.Run.Recompute, model.Run.Model.Layers));
    }

    public override IRoutedModel Model => _decoder;

    public override ExpertWiring Wiring { get; }

    public override LossPart[] Losses => [.. _losses];

    public override string? Prepare(StepShare share)
    {
        if (share.Step != _gradients.Parameters.Version + 1)
        {
            throw new InvalidOperationException($"Step {share.Step} cannot be prepared: this worker has committed {_gradients.Parameters.Version}.");
        }

        _losses.Clear();
        Use(share.Parallelism, share.Copies);
        _gradients.Begin();
        int workers = _view.Map.Workers.Length;
        for (int first = 0; first < share.MicroBatches; first += workers)
        {
            int index = first + _view.Rank;
            MicroBatch? batch = Mine(share.Batches, index);
            _gradients.Parameters.Dense.ClearGradients();
            if (batch is not null)
            {
                _reservation?.Cover(_view.Map, _view.Rank, MicroBatchShape.Of(batch));
            }

            _clock.Enter(Phase.Dense);
            MicroBatchLoss loss = _decoder.Train(batch, share.LossScale, share.AuxiliaryScale, new MicroBatchPlace(share.Step, index));
            _clock.Enter(Phase.Gradients);
            if (batch is not null)
            {
                _losses.Add(new LossPart(index, loss.CrossEntropySum, loss.Auxiliary, batch.TokenCount));
                _gradients.Counts.Add(index, _decoder);
            }

            _gradients.AddDense(contributes: batch is not null);
        }

        _gradients.Complete(share.Step, Wiring);
        return null;
    }

    public override void Repeat(StepShare share, int index)
    {
        Use(share.Parallelism, share.Copies);
        MicroBatch? batch = index % _view.Map.Workers.Length == _view.Rank ? Mine(share.Batches, index) : null;
        _gradients.Parameters.Dense.ClearGradients();
        _decoder.Train(batch, share.LossScale, share.AuxiliaryScale, new MicroBatchPlace(share.Step, index));
        _gradients.AddDense(contributes: batch is not null);
    }

    public override void RunDry(int sequences, int length, ParallelismChoice[] parallelism, Action? atLoss)
    {
        int[] tokens = new int[checked(sequences * length)];
        var batch = new MicroBatch(tokens, tokens, length) { Documents = tokens };
        MicroBatch[] batches = [.. Enumerable.Repeat(batch, _view.Map.Workers.Length)];
        Prepare(StepShare.Of(1, batches) with { Batches = [new PlacedMicroBatch(_view.Rank, batch)], Parallelism = parallelism });
    }

    public override EvaluateReport Evaluate(EvaluateCommand command)
    {
        Use([]);
        List<LossPart> losses = [];
        for (int first = 0; first < command.MicroBatches; first += _view.Map.Workers.Length)
        {
            int index = first + _view.Rank;
            MicroBatch? batch = Mine(command.Batches, index);
            double sum = _decoder.Evaluate(batch);
            if (batch is not null)
            {
                losses.Add(new LossPart(index, sum, 0, batch.TokenCount));
            }
        }

        return new EvaluateReport([.. losses]) { Rank = _view.Rank };
    }

    public override GenerateReport Generate(GenerateCommand command)
    {
        Use([]);
        return TextGeneration.Run(command, _decoder, _view.Rank);
    }

    protected override void Rewire(PlacementMap map, int layer) => _decoder.Rewire(layer, Wiring.Connect(map, layer, layer));

    protected override void Enter(WorkerView view) => _view = view;

    /// <summary>Sets what travels in each layer; rows where nothing is said.</summary>
    private void Use(ParallelismChoice[] parallelism, CopyCoefficients? copies = null)
    {
        for (int layer = 0; layer < _view.Map.Layers; layer++)
        {
            Wiring.Use(layer, ParallelismChoice.In(parallelism, layer), copies);
        }
    }

    /// <summary>A micro-batch that this worker was given; null for a round in which it has none. Allocates nothing.</summary>
    private static MicroBatch? Mine(PlacedMicroBatch[] batches, int index)
    {
        foreach (PlacedMicroBatch placed in batches)
        {
            if (placed.Index == index)
            {
                return placed.Batch;
            }
        }

        return null;
    }
}

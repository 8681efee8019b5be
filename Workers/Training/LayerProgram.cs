using MoEActors.Modules.Gates;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Training;

/// <summary>
/// A layer whose backbone is the caller's: pairs of forward and backward, whose gradients add up until the update. Rank m mod W has micro-batch m, as in any
/// step. With the view go gradients that no update has applied.
/// </summary>
internal sealed class LayerProgram : StepProgram
{
    private const string Gone = "the caller has taken its memory back before the call ended, or is in another process: "
        + "a layer is called from the process that its silos are in.";

    private const string Lost = "what the call builds on is not there: an expert has moved or a worker has failed since, or somebody else works with this layer.";

    /// <summary>The refusal of a worker that could have gone on: the reason is in another's report.</summary>
    private const string ByAnother = "";

    private readonly IDevice _device;
    private readonly LayerModel _layer;
    private readonly StepGradients _gradients;
    private readonly StepTimes _times;
    private readonly CallerBuffers _memory;
    private readonly int _microBatches;
    private readonly DeviceBuffer _flagMemory;
    private readonly int[] _flags;
    private readonly List<LossPart> _losses = [];
    private readonly List<LossPart> _stepLosses = [];
    private readonly long[] _kept;
    private readonly long[] _chosen;
    private WorkerView _view;
    private int _passes;
    private long _passesVersion = -1;
    private int _pending;
    private Guid _forward;
    private int _rows;

    public LayerProgram(WorkerModel model, WorkerView view)
    {
        int rounds = (model.Run.MicroBatches + view.Communicator.Size - 1) / view.Communicator.Size;
        _view = view;
        _device = model.Device;
        _gradients = model.Gradients;
        _times = model.Times;
        _memory = model.Callers;
        _microBatches = model.Run.MicroBatches;
        Wiring = model.Wire(view, LayerModel.PassesFor(rounds));
        _layer = new LayerModel(
            model.Run.Model, _device, model.Parameters.Dense, rounds, pass => Wiring.Connect(view.Map, layer: 0, pass), _times.Clock);
        _flags = new int[view.Communicator.Size + 1];
        _flagMemory = _device.Allocate(sizeof(int) * (long)_flags.Length);
        _kept = new long[model.Run.Model.Experts[0]];
        _chosen = new long[_kept.Length];
    }

    public override IRoutedModel Model => _layer;

    public override ExpertWiring Wiring { get; }

    public override IEnumerable<Arena> PassArenas => _layer.Arenas;

    /// <summary>Auxiliary losses of the micro-batches of all passes that the next update applies.</summary>
    public override LossPart[] Losses => [.. _stepLosses];

    /// <summary>Pairs of forward and backward that the next update applies.</summary>
    private int Passes => _passesVersion == _gradients.Parameters.Version ? _passes : 0;

    public override ForwardReport Forward(ForwardCommand command)
    {
        string? refusal = _times.Measure(Phase.Gradients, () => RunForward(command), out long allocated);
        return refusal is not null ? new ForwardReport { Rank = _view.Rank, Refusal = Named(refusal, _view) } : new ForwardReport
        {
            Rank = _view.Rank,
            Losses = [.. _losses],
            KeptTokens = [.. _kept],
            ChosenTokens = [.. _chosen],
            AllocatedBytes = allocated,
        };
    }

    public override BackwardReport Backward(BackwardCommand command)
    {
        string? refusal = _times.Measure(Phase.Gradients, () => RunBackward(command), out long allocated);
        return new BackwardReport(refusal is null ? null : Named(refusal, _view), allocated) { Rank = _view.Rank };
    }

    /// <summary>Completes the gradients of the passes, which are then prepared.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    public override string? Prepare(StepShare share)
    {
        if (Refusal(memory: null, Passes > 0 && share.Forward == _forward) is { } refusal)
        {
            return refusal;
        }

        _gradients.Complete(share.Step, Wiring);
        return null;
    }

    /// <summary>A forward, an evaluation while its activations wait, and its backward.</summary>
    public override void RunDry(int sequences, int length, ParallelismChoice[] parallelism, Action? atLoss)
    {
        Use(ParallelismChoice.In(parallelism, layer: 0));
        float[] rows = new float[checked(sequences * length) * _layer.Configuration.Dim];
        for (int round = 0; round < _layer.Rounds; round++)
        {
            _layer.Round(round).Load(rows);
            _layer.Round(round).Forward(training: true, auxiliaryScale: 0, randomKey: null);
        }

        _layer.Evaluation.Load(rows);
        _layer.Evaluation.Forward(training: false, auxiliaryScale: 0, randomKey: null);
        atLoss?.Invoke();
        for (int round = 0; round < _layer.Rounds; round++)
        {
            _layer.Round(round).LoadGradient([]);
            Wiring.BeginWire();
            _layer.Round(round).Backward();
        }

        Wiring.EndStep(layers: 1);
    }

    public override void Dispose()
    {
        base.Dispose();
        _flagMemory.Dispose();
    }

    protected override void Rewire(PlacementMap map, int layer) => _layer.Rewire(pass => Wiring.Connect(map, layer, pass));

    /// <summary>What waits for its backward or its update is void.</summary>
    protected override void Enter(WorkerView view)
    {
        _view = view;
        _passes = 0;
        _passesVersion = -1;
        _pending = 0;
        _forward = default;
        _rows = 0;
        _losses.Clear();
        _stepLosses.Clear();
    }

    /// <summary>Runs this worker's rows forward.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    private string? RunForward(ForwardCommand command)
    {
        bool training = command.Pass > 0;
        if (command.Pass == 1)
        {
            _passes = 0;
        }

        if (Refusal(command.Memory, command.Pass <= 1 || command.Pass == Passes + 1) is { } refusal)
        {
            return refusal;
        }

        if (command.Pass == 1)
        {
            // Passes of one step add to the same gradients, which replicas must end alike.
            Use(command.Parallelism, command.Copies);
        }

        _losses.Clear();
        Array.Clear(_kept);
        Array.Clear(_chosen);
        bool served = true;
        for (int round = 0; round < _layer.Rounds; round++)
        {
            LayerPass pass = training ? _layer.Round(round) : _layer.Evaluation;
            int index = IndexOf(round);
            Rows rows = Part(index, command.Rows);
            if (!_memory.TryUse(command.Memory, (pass, rows), static (to, x, _) => to.pass.Load(x.Span.Slice(to.rows.Start, to.rows.Count))))
            {
                served = false;
                pass.Load([]);
            }

            // Passes of a step draw as if their micro-batches were one long row.
            var place = new MicroBatchPlace(command.Step, (command.Pass - 1) * _microBatches + index);
            pass.Forward(training, command.AuxiliaryScale / Parts(command.Rows), training ? place.RandomKey(_layer.Configuration.Seed) : null);
            Count(index, pass);
            served &= _memory.TryUse(command.Memory, (pass, rows), static (from, _, y) => from.pass.ReadOutput(y.Span.Slice(from.rows.Start, from.rows.Count)));
        }

        if (training)
        {
            _pending = served ? command.Pass : 0;
            _forward = command.Memory;
            _rows = command.Rows;
        }

        return served ? null : Gone;
    }

    /// <summary>Runs the gradients of the last forward's outputs back, and adds to those of the step.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    private string? RunBackward(BackwardCommand command)
    {
        // Asked for again by a coordinator that could not know: it is done.
        bool done = _pending == 0 && command.Pass == Passes;
        if (Refusal(command.Memory, command.Forward == _forward && (done || command.Pass == _pending)) is { } refusal)
        {
            return refusal;
        }

        if (done)
        {
            return null;
        }

        if (command.Pass == 1)
        {
            _gradients.Begin();
            _stepLosses.Clear();
        }

        bool served = true;
        for (int round = 0; round < _layer.Rounds; round++)
        {
            LayerPass pass = _layer.Round(round);
            int index = IndexOf(round);
            Rows rows = Part(index, _rows);
            if (!_memory.TryUse(command.Memory, (pass, rows), static (to, dy, _) => to.pass.LoadGradient(dy.Span.Slice(to.rows.Start, to.rows.Count))))
            {
                served = false;
                pass.LoadGradient([]);
            }

            _gradients.Parameters.Dense.ClearGradients();
            Wiring.BeginWire();
            pass.Backward();
            _gradients.AddDense(contributes: index < _microBatches);
            if (index < _microBatches)
            {
                int place = (command.Pass - 1) * _microBatches + index;
                _gradients.Counts.Add(place, layer: 0, pass.Gate.Routing);
                _stepLosses.Add(new LossPart(place, 0, pass.Gate.Routing.AuxiliaryLoss, pass.Rows));
            }

            served &= _memory.TryUse(command.Memory, (pass, rows), static (from, _, dx) => from.pass.ReadGradient(dx.Span.Slice(from.rows.Start, from.rows.Count)));
        }

        _pending = 0;
        _passes = served ? command.Pass : 0;
        _passesVersion = _gradients.Parameters.Version;
        return served ? null : Gone;
    }

    /// <summary>Sets what travels in the passes that are learnt from; for one that evaluates rows do.</summary>
    private void Use(ParallelismChoice parallelism, CopyCoefficients? copies = null)
    {
        for (int round = 0; round < _layer.Rounds; round++)
        {
            Wiring.Use(round, parallelism, copies);
        }
    }

    private int IndexOf(int round) => round * _view.Communicator.Size + _view.Rank;

    /// <summary>The rows of a micro-batch; none for a worker that has none in this round.</summary>
    private Rows Part(int index, int rows)
    {
        if (index >= _microBatches)
        {
            return default;
        }

        int start = (int)((long)rows * index / _microBatches), end = (int)((long)rows * (index + 1) / _microBatches), columns = _layer.Configuration.Dim;
        return new Rows(checked(start * columns), (end - start) * columns);
    }

    /// <summary>Micro-batches of a call that have rows.</summary>
    private int Parts(int rows) => Math.Max(1, Math.Min(rows, _microBatches));

    private void Count(int index, LayerPass pass)
    {
        if (index >= _microBatches)
        {
            return;
        }

        Routing routing = pass.Gate.Routing;
        _losses.Add(new LossPart(index, 0, routing.AuxiliaryLoss, pass.Rows));
        for (int expert = 0; expert < _kept.Length; expert++)
        {
            _kept[expert] += routing.KeptTokens[expert];
            _chosen[expert] += routing.ChosenTokens[expert];
        }
    }

    /// <summary>Agrees with the other workers on whether all can go on. Without that, one would wait for another that refused.</summary>
    private string? Refusal(Guid? memory, bool fits)
    {
        bool reachable = memory is not { } handle || _memory.TryUse(handle, 0, static (_, _, _) => { });
        DeviceSpan<int> span = _flagMemory.As<int>();
        _flags[0] = fits && reachable ? 1 : 0;
        _device.Write<int>(_flags.AsSpan(0, 1), span.Slice(0, 1));
        _view.Communicator.AllGather(span.Slice(0, 1), span.Slice(1, _flags.Length - 1));
        _device.Read(span, _flags);
        return !reachable ? Gone
            : !fits ? Lost
            : _flags.AsSpan(1).Contains(0) ? ByAnother
            : null;
    }

    /// <summary>A run of elements in the caller's memory.</summary>
    private readonly record struct Rows(int Start, int Count);
}

using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;

namespace MoEActors.Grains.Workers;

/// <summary>
/// What one worker has done of a step of a layer whose backbone is the caller's: pairs of forward and backward, whose gradients add up until the
/// update. Rank m mod W has micro-batch m, as in any step. It lives as long as the epoch; with it go gradients that no update has applied.
/// </summary>
internal sealed class LayerStep : IDisposable
{
    private const string Gone = "the caller has taken its memory back before the call ended, or is in another process: "
        + "a layer is called from the process that its silos are in.";

    private const string Lost = "what the call builds on is not there: an expert has moved or a worker has failed since, or somebody else works with this layer.";

    /// <summary>The refusal of a worker that could have gone on: the reason is in another's report.</summary>
    private const string ByAnother = "";

    private readonly IDevice _device;
    private readonly EpochView _view;
    private readonly LayerModel _layer;
    private readonly StepGradients _gradients;
    private readonly CallerBuffers _memory;
    private readonly int _microBatches;
    private readonly DeviceBuffer _flagMemory;
    private readonly int[] _flags;
    private readonly List<LossPart> _losses = [];
    private readonly List<LossPart> _stepLosses = [];
    private readonly long[] _kept;
    private readonly long[] _chosen;
    private int _passes;
    private long _passesVersion = -1;
    private int _pending;
    private Guid _forward;
    private int _rows;

    public LayerStep(IDevice device, EpochView view, LayerModel layer, StepGradients gradients, CallerBuffers memory, int microBatches)
    {
        _device = device;
        _view = view;
        _layer = layer;
        _gradients = gradients;
        _memory = memory;
        _microBatches = microBatches;
        _flags = new int[view.Communicator.Size + 1];
        _flagMemory = device.Allocate(sizeof(int) * (long)_flags.Length);
        _kept = new long[layer.Configuration.Experts[0]];
        _chosen = new long[_kept.Length];
    }

    /// <summary>Pairs of forward and backward that the next update applies.</summary>
    public int Passes => _passesVersion == _gradients.Parameters.Version ? _passes : 0;

    /// <summary>Auxiliary losses of the micro-batches of the last forward.</summary>
    public LossPart[] Losses => [.. _losses];

    /// <summary>Auxiliary losses of the micro-batches of all passes that the next update applies.</summary>
    public LossPart[] StepLosses => [.. _stepLosses];

    /// <summary>By expert: tokens of the last forward that found a slot.</summary>
    public long[] Kept => [.. _kept];

    /// <summary>By expert: tokens of the last forward that chose it.</summary>
    public long[] Chosen => [.. _chosen];

    /// <summary>Runs this worker's rows forward.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    public string? Forward(ForwardOrder order)
    {
        bool training = order.Pass > 0;
        if (order.Pass == 1)
        {
            _passes = 0;
        }

        if (Refusal(order.Memory, order.Pass <= 1 || order.Pass == Passes + 1) is { } refusal)
        {
            return refusal;
        }

        _losses.Clear();
        Array.Clear(_kept);
        Array.Clear(_chosen);
        bool served = true;
        for (int round = 0; round < _layer.Rounds; round++)
        {
            LayerPass pass = training ? _layer.Round(round) : _layer.Evaluation;
            int index = IndexOf(round);
            Rows rows = Part(index, order.Rows);
            if (!_memory.TryUse(order.Memory, (pass, rows), static (to, x, _) => to.pass.Load(x.Span.Slice(to.rows.Start, to.rows.Count))))
            {
                served = false;
                pass.Load([]);
            }

            // Passes of a step draw as if their micro-batches were one long row.
            var place = new MicroBatchPlace(order.Step, (order.Pass - 1) * _microBatches + index);
            pass.Forward(training, order.AuxiliaryScale / _microBatches, training ? place.RandomKey(_layer.Configuration.Seed) : null);
            Count(index, pass.Gate.Routing);
            served &= _memory.TryUse(order.Memory, (pass, rows), static (from, _, y) => from.pass.ReadOutput(y.Span.Slice(from.rows.Start, from.rows.Count)));
        }

        if (training)
        {
            _pending = served ? order.Pass : 0;
            _forward = order.Memory;
            _rows = order.Rows;
        }

        return served ? null : Gone;
    }

    /// <summary>Runs the gradients of the last forward's outputs back, and adds to those of the step.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    public string? Backward(BackwardOrder order)
    {
        // Asked for again by a coordinator that could not know: it is done.
        bool done = _pending == 0 && order.Pass == Passes;
        if (Refusal(order.Memory, order.Forward == _forward && (done || order.Pass == _pending)) is { } refusal)
        {
            return refusal;
        }

        if (done)
        {
            return null;
        }

        if (order.Pass == 1)
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
            if (!_memory.TryUse(order.Memory, (pass, rows), static (to, dy, _) => to.pass.LoadGradient(dy.Span.Slice(to.rows.Start, to.rows.Count))))
            {
                served = false;
                pass.LoadGradient([]);
            }

            _gradients.Parameters.Dense.ClearGradients();
            _view.BeginRound();
            pass.Backward();
            _view.EndRound(round);
            _gradients.AddDense(contributes: index < _microBatches);
            if (index < _microBatches)
            {
                int place = (order.Pass - 1) * _microBatches + index;
                _gradients.Counts.Add(place, layer: 0, pass.Gate.Routing);
                _stepLosses.Add(new LossPart(place, 0, pass.Gate.Routing.AuxiliaryLoss));
            }

            served &= _memory.TryUse(order.Memory, (pass, rows), static (from, _, dx) => from.pass.ReadGradient(dx.Span.Slice(from.rows.Start, from.rows.Count)));
        }

        _pending = 0;
        _passes = served ? order.Pass : 0;
        _passesVersion = _gradients.Parameters.Version;
        return served ? null : Gone;
    }

    /// <summary>Completes the gradients of the step, which are then prepared.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    public string? Prepare(StepShare share)
    {
        if (Refusal(memory: null, Passes > 0 && share.Forward == _forward) is { } refusal)
        {
            return refusal;
        }

        _gradients.Complete(share.Step);
        return null;
    }

    /// <inheritdoc />
    public void Dispose() => _flagMemory.Dispose();

    private int IndexOf(int round) => round * _view.Communicator.Size + _view.Rank;

    /// <summary>The rows of a micro-batch; none for a worker that has none in this round.</summary>
    private Rows Part(int index, int rows)
    {
        if (index >= _microBatches)
        {
            return default;
        }

        int start = (int)((long)rows * index / _microBatches);
        return new Rows(start, (int)((long)rows * (index + 1) / _microBatches) - start, _layer.Configuration.Dim);
    }

    private void Count(int index, Routing routing)
    {
        if (index >= _microBatches)
        {
            return;
        }

        _losses.Add(new LossPart(index, 0, routing.AuxiliaryLoss));
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
    private readonly record struct Rows
    {
        public Rows(int start, int count, int columns)
        {
            Start = checked(start * columns);
            Count = count * columns;
        }

        public int Start { get; }

        public int Count { get; }
    }
}

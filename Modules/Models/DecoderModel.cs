using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Layers;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;

namespace MoEActors.Modules.Models;

/// <summary>
/// A decoder on one worker: the dense parameters it replicates and the experts it holds. Workers run it together, a micro-batch
/// each; one without a micro-batch runs it with no rows.
/// </summary>
public sealed class DecoderModel : IRoutedModel
{
    private readonly IDevice _device;
    private readonly Tape _tape;
    private readonly RotaryTables _rotary;
    private readonly Embedding _embedding;
    private readonly DecoderLayer[] _layers;
    private readonly IReadOnlyList<bool> _recomputed;
    private readonly RmsNorm _norm;
    private readonly Linear _head;
    private readonly TokenRows _rows = new();
    private readonly int[] _statisticsAt;
    private readonly double[] _statistics;
    private DeviceSpan<double> _statisticsMemory;

    /// <summary>Builds the model over parameters that exist.</summary>
    /// <param name="configuration">Validated configuration.</param>
    /// <param name="device">The worker's device.</param>
    /// <param name="arena">Memory of a round.</param>
    /// <param name="dense">Block with the layout of <see cref="ModelLayout.Dense"/>.</param>
    /// <param name="exchanges">The exchange that reaches the experts of a layer.</param>
    /// <param name="clock">Times the phases of a pass; null when its readings are not needed.</param>
    /// <param name="recomputed">By layer: whether its activations are dropped after forward and computed again in backward; null for none.</param>
    public DecoderModel(
        ModelConfiguration configuration, IDevice device, Arena arena, ParameterBlock dense, Func<int, IExpertExchange> exchanges,
        PhaseClock? clock = null, IReadOnlyList<bool>? recomputed = null)
    {
        _recomputed = recomputed ?? new bool[configuration.Layers];
        Configuration = configuration;
        _device = device;
        _tape = new Tape(device, arena, clock);
        _rotary = new RotaryTables(device, configuration.MaximumSequence, configuration.Attention.HeadDim, configuration.RopeTheta);
        _embedding = new Embedding(dense[ModelLayout.Embedding]);
        _layers =
        [
            .. Enumerable.Range(0, configuration.Layers).Select(layer => new DecoderLayer(
                configuration, layer, dense, _rotary, configuration.Experts[layer] > 0 ? exchanges(layer) : null)),
        ];
        _norm = new RmsNorm(dense["norm"], configuration.RmsEpsilon);
        _head = new Linear(dense["lm_head"]);

        // The loss, then the statistics of each layer's routing.
        int[] lengths = [1, .. _layers.Select(layer => layer.Gate is { } gate ? Routing.StatisticsFor(gate.Routing.Experts) : 0)];
        _statistics = new double[lengths.Sum()];
        int next = 0;
        _statisticsAt = [.. lengths.Skip(1).Select((_, layer) => next += lengths[layer])];
    }

    /// <inheritdoc />
    public ModelConfiguration Configuration { get; }

    /// <inheritdoc />
    public IGate? GateOf(int layer) => _layers[layer].Gate;

    /// <summary>
    /// Reaches the experts of a layer otherwise; its gate keeps its policy and state. Called between two passes, on every worker alike.
    /// </summary>
    /// <param name="layer">The layer, which is none of the dense ones.</param>
    /// <param name="exchange">The exchange that reaches them from now on.</param>
    public void Rewire(int layer, IExpertExchange exchange) => _layers[layer].Rewire(exchange);

    /// <summary>
    /// What the gates decided in the last pass, by layer; null for a dense layer. Its rows are those of the micro-batch with the padding of each
    /// sequence behind its tokens.
    /// </summary>
    public Routing? RoutingOf(int layer) => GateOf(layer)?.Routing;

    /// <summary>
    /// Forward and backward of one micro-batch: adds parts to the gradients of the local parameters.
    /// </summary>
    /// <param name="batch">The micro-batch; null for a worker that has none in this round.</param>
    /// <param name="lossScale">1 / predicted tokens of the whole step.</param>
    /// <param name="auxiliaryScale">1 / micro-batches of the step that have tokens.</param>
    /// <param name="place">Which micro-batch of which step this is: random numbers depend on it.</param>
    public MicroBatchLoss Train(MicroBatch? batch, float lossScale, float auxiliaryScale, MicroBatchPlace place = default)
    {
        _tape.Reset();
        _tape.Recording = true;
        Tensor logits = Forward(batch, auxiliaryScale, place.RandomKey(Configuration.Seed), out DeviceSpan<int> targets);
        DeviceSpan<float> losses = _tape.Arena.Take<float>(logits.Rows);
        Matrix dLogits = _tape.NewMatrix(logits.Rows, logits.Columns);
        _device.CrossEntropy(logits.Value, targets, lossScale, losses, dLogits, LossMemory);
        _tape.Seed(logits, dLogits);
        _tape.Backward();
        return new MicroBatchLoss(ReadStatistics(), AuxiliaryLoss());
    }

    /// <summary>Σ of the cross-entropy of a micro-batch, nats.</summary>
    /// <param name="batch">The micro-batch; null for a worker that has none in this round.</param>
    public double Evaluate(MicroBatch? batch)
    {
        _tape.Reset();
        _tape.Recording = false;
        Tensor logits = Forward(batch, auxiliaryScale: 0f, randomKey: null, out DeviceSpan<int> targets);
        DeviceSpan<float> losses = _tape.Arena.Take<float>(logits.Rows);
        _device.CrossEntropy(logits.Value, targets, 0f, losses, default, LossMemory);
        return ReadStatistics();
    }

    /// <summary>Logits of every position, row-major [tokens, vocabulary]; 0 at padding, which predicts nothing.</summary>
    /// <param name="batch">The micro-batch; null for a worker that has none in this round.</param>
    /// <param name="logits">Receives them; empty for a worker that only takes part in the exchanges.</param>
    public void Predict(MicroBatch? batch, Span<float> logits)
    {
        _tape.Reset();
        _tape.Recording = false;
        Tensor result = Forward(batch, auxiliaryScale: 0f, randomKey: null, out _);
        if (logits.Length > 0)
        {
            ReadLogits(result.Value, logits);
        }

        ReadStatistics();
    }

    /// <inheritdoc />
    public void EndStep(DeviceSpan<float> gradients)
    {
        foreach (DecoderLayer layer in _layers)
        {
            layer.Gate?.EndStep(_device, gradients);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _rotary.Dispose();

    private DeviceSpan<double> LossMemory => _statisticsMemory.Slice(0, 1);

    /// <summary>Reads what the pass measured, at its end and at once: the host waits for the device here, and in each layer for its counts.</summary>
    /// <returns>The cross-entropy.</returns>
    private double ReadStatistics()
    {
        _device.Read(_statisticsMemory, _statistics);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            _layers[layer].Gate?.Routing.TakeStatistics(_statistics.AsSpan(_statisticsAt[layer]));
        }

        return _statistics[0];
    }

    private double AuxiliaryLoss()
    {
        double sum = 0;
        foreach (DecoderLayer layer in _layers)
        {
            sum += layer.Gate?.Routing.AuxiliaryLoss ?? 0;
        }

        return sum;
    }

    private Tensor Forward(MicroBatch? batch, float auxiliaryScale, ulong? randomKey, out DeviceSpan<int> targets)
    {
        RoutingContext context = Load(batch, out DeviceSpan<int> ids, out targets, out AttentionRows seen) with
        {
            AuxiliaryScale = auxiliaryScale,
            RandomKey = randomKey,
        };
        Tensor stream = _embedding.Forward(_tape, ids);
        _statisticsMemory = _tape.Arena.Take<double>(_statistics.Length);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            int statistics = _layers[layer].Gate is { } gate ? Routing.StatisticsFor(gate.Routing.Experts) : 0;
            RoutingContext routed = context with { Statistics = _statisticsMemory.Slice(_statisticsAt[layer], statistics) };

            // Without a backward pass a layer's activations are not needed again.
            stream = _recomputed[layer] || !_tape.Recording
                ? LayerRecomputation.Forward(_layers[layer], _tape, stream, seen, routed)
                : _layers[layer].Forward(_tape, stream, seen, routed);
        }

        return _head.Forward(_tape, _norm.ForwardToProducts(_tape, stream));
    }

    private RoutingContext Load(MicroBatch? batch, out DeviceSpan<int> ids, out DeviceSpan<int> targets, out AttentionRows seen)
    {
        _rows.Load(batch);
        int rows = _rows.Count;
        ids = _tape.Arena.Take<int>(rows);
        targets = _tape.Arena.Take<int>(rows);
        _device.Write(_rows.Ids, ids);
        _device.Write(_rows.Targets, targets);
        DeviceSpan<int> mask = DeviceSpan<int>.Empty;
        if (_rows.Tokens < rows)
        {
            mask = _tape.Arena.Take<int>(rows);
            _device.Write(_rows.Valid, mask);
        }

        DeviceSpan<int> firstKeys = _tape.Arena.Take<int>(_rows.FirstKeys.Length);
        _device.Write(_rows.FirstKeys, firstKeys);
        seen = new AttentionRows(batch?.SequenceLength ?? 1, firstKeys);
        return new RoutingContext(mask, _rows.Tokens, AuxiliaryScale: 0f);
    }

    /// <summary>Reads the logits of the positions, which are where the caller has them.</summary>
    private void ReadLogits(in Matrix result, Span<float> logits)
    {
        _device.Read(result.Data.Slice(0, logits.Length), logits);
        if (_rows.Tokens == _rows.Count)
        {
            return;
        }

        // A token stands at its row or behind it: from the last position on, nothing is overwritten that is still needed.
        ReadOnlySpan<int> rows = _rows.RowOfPosition;
        for (int position = rows.Length - 1; position >= 0; position--)
        {
            Span<float> to = logits.Slice(position * result.Columns, result.Columns);
            if (rows[position] < 0)
            {
                to.Clear();
            }
            else
            {
                logits.Slice(rows[position] * result.Columns, result.Columns).CopyTo(to);
            }
        }
    }
}

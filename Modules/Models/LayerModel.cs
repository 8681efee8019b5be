using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;
using MoEActors.Modules.Timing;

namespace MoEActors.Modules.Models;

/// <summary>
/// A single layer on one worker. The caller's backbone runs between forward and backward, so every micro-batch of a call keeps a pass of its own; a
/// further one evaluates in between.
/// </summary>
public sealed class LayerModel : IRoutedModel
{
    private readonly IDevice _device;
    private readonly LayerPass[] _rounds;
    private readonly LayerPass _evaluation;

    /// <summary>Builds the layer over parameters that exist.</summary>
    /// <param name="configuration">Validated configuration without a backbone.</param>
    /// <param name="device">The worker's device.</param>
    /// <param name="dense">Block with the layout of <see cref="ModelLayout.Dense"/>.</param>
    /// <param name="rounds">Micro-batches of a call that this worker runs at most.</param>
    /// <param name="exchanges">The exchange that reaches the experts, one for each pass: those of the rounds, then the evaluating one.</param>
    /// <param name="clock">Times the phases of a pass; null when its readings are not needed.</param>
    public LayerModel(ModelConfiguration configuration, IDevice device, ParameterBlock dense, int rounds, Func<int, IExpertExchange> exchanges,
        PhaseClock? clock = null)
    {
        Configuration = configuration;
        _device = device;
        _rounds = [.. Enumerable.Range(0, rounds).Select(Pass)];
        _evaluation = Pass(rounds);

        LayerPass Pass(int pass) => new(device, clock, configuration.Dim, MixtureLayers.Create(configuration, layer: 0, dense, exchanges(pass)));
    }

    /// <inheritdoc />
    public ModelConfiguration Configuration { get; }

    /// <summary>Number of rounds.</summary>
    public int Rounds => _rounds.Length;

    /// <summary>Memory of the passes.</summary>
    public IEnumerable<Arena> Arenas => [.. _rounds.Select(pass => pass.Arena), _evaluation.Arena];

    /// <summary>The pass that evaluates while others wait for their backward.</summary>
    public LayerPass Evaluation => UnderPolicy(_evaluation);

    /// <summary>The pass of a round.</summary>
    public LayerPass Round(int round) => UnderPolicy(_rounds[round]);

    /// <summary>Passes of a layer that runs so many rounds.</summary>
    public static int PassesFor(int rounds) => rounds + 1;

    /// <summary>
    /// Reaches the experts otherwise; passes that wait for their backward become invalid. Called between two steps, on every worker alike.
    /// </summary>
    /// <param name="exchanges">The exchange of each pass.</param>
    public void Rewire(Func<int, IExpertExchange> exchanges)
    {
        for (int round = 0; round < _rounds.Length; round++)
        {
            _rounds[round].Rewire(exchanges(round));
        }

        _evaluation.Rewire(exchanges(_rounds.Length));
    }

    /// <summary>The gate of the first round, whose policy the others follow.</summary>
    public IGate? GateOf(int layer) => _rounds[0].Gate;

    /// <inheritdoc />
    public void EndStep(DeviceSpan<float> gradients) => _rounds[0].Gate.EndStep(_device, gradients);

    /// <inheritdoc />
    public void Dispose()
    {
        Array.ForEach(_rounds, pass => pass.Dispose());
        _evaluation.Dispose();
    }

    /// <summary>Passes follow the policy of the first, which is replaced between two steps.</summary>
    private LayerPass UnderPolicy(LayerPass pass)
    {
        GateOptions policy = _rounds[0].Gate.Options;
        if (!ReferenceEquals(pass.Gate.Options, policy))
        {
            pass.Gate.Reconfigure(policy);
        }

        return pass;
    }
}

/// <summary>
/// One micro-batch on its way through a layer: its rows, its routing and what backward needs, until the next one is loaded. Workers run the same
/// pass at the same time; one that has no micro-batch runs it with no rows.
/// </summary>
public sealed class LayerPass : IDisposable
{
    /// <summary>A layer alone needs little beside its rows: blocks smaller than a model's.</summary>
    private const long BlockBytes = 1 << 20;

    private readonly IDevice _device;
    private readonly Arena _arena;
    private readonly Tape _tape;
    private readonly int _dim;
    private MoELayer _layer;
    private Tensor _x;
    private Tensor _y;

    internal LayerPass(IDevice device, PhaseClock? clock, int dim, MoELayer layer)
    {
        _device = device;
        _dim = dim;
        _layer = layer;
        _arena = new Arena(device, BlockBytes);
        _tape = new Tape(device, _arena, clock);
    }

    /// <summary>The gate.</summary>
    public IGate Gate => _layer.Gate;

    internal Arena Arena => _arena;

    /// <summary>Rows of the micro-batch.</summary>
    public int Rows => _x.Rows;

    /// <summary>Copies the rows of a micro-batch to the device and discards the one before.</summary>
    /// <param name="x">[rows, features], row-major, in host memory; may be empty.</param>
    public void Load(ReadOnlySpan<float> x)
    {
        _tape.Reset();
        _x = _tape.Create(x.Length / _dim, _dim);
        _device.Write(x, _x.Value.Data);
    }

    /// <summary>Computes the outputs of the rows that were loaded.</summary>
    /// <param name="training">Whether <see cref="Backward"/> may follow; without, nothing is random.</param>
    /// <param name="auxiliaryScale">Weight of the auxiliary losses of this micro-batch.</param>
    /// <param name="randomKey">Key of the random numbers; null where nothing is random.</param>
    public void Forward(bool training, float auxiliaryScale, ulong? randomKey)
    {
        _tape.Recording = training;
        Tensor zero = _tape.Create(Rows, _dim);
        _device.Fill(zero.Value.Data, 0f);
        PhaseMark before = _tape.Clock.Mark;
        _tape.Clock.Enter(new PhaseMark(Phase.Gate, 0));
        _y = _layer.Forward(_tape, _x, zero, new RoutingContext(DeviceSpan<int>.Empty, Rows, auxiliaryScale, randomKey).InLayer(0));
        Gate.Routing.ReadStatistics(_device);
        _tape.Clock.Enter(before);
    }

    /// <summary>Reads the outputs.</summary>
    /// <param name="y">[rows, features] in host memory.</param>
    public void ReadOutput(Span<float> y) => _device.Read(_y.Value.Data, y);

    /// <summary>Copies the gradients of the outputs to the device; <see cref="Backward"/> follows.</summary>
    /// <param name="dy">[rows, features] in host memory; empty for zero.</param>
    public void LoadGradient(ReadOnlySpan<float> dy)
    {
        Matrix gradient = _tape.NewMatrix(Rows, _dim);
        if (dy.IsEmpty)
        {
            _device.Fill(gradient.Data, 0f);
        }
        else
        {
            _device.Write(dy, gradient.Data);
        }

        _tape.Seed(_y, gradient);
    }

    /// <summary>Adds this micro-batch's part to the gradients of the local parameters, and computes that of the rows.</summary>
    public void Backward() => _tape.Backward();

    /// <summary>Reads the gradients of the rows.</summary>
    /// <param name="dx">[rows, features] in host memory.</param>
    public void ReadGradient(Span<float> dx) => _device.Read(_tape.Gradient(_x).Data, dx);

    internal void Rewire(IExpertExchange exchange) => _layer = _layer.Rewired(exchange);

    /// <inheritdoc />
    public void Dispose() => _arena.Dispose();
}

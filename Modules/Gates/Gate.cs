using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>
/// A gate composed of parts: jitter → router → noise → scores → selection → weights → slots → losses. Weights are those of the scores,
/// divided by their sum before anything is dropped; a dropped choice stays in the denominator and gets its gradient through it.
/// </summary>
public class Gate : IGate
{
    private readonly IRouter _router;
    private readonly ISelection _selection;
    private readonly IScores _scores;
    private readonly BalanceBias? _bias;
    private readonly GatePass _pass;
    private readonly InputJitter _jitter = new();
    private readonly GateLosses _losses;

    /// <summary>Composes a gate.</summary>
    /// <param name="options">The policy.</param>
    /// <param name="router">How tokens become logits.</param>
    /// <param name="selection">How scores become choices.</param>
    /// <param name="bias">[1, experts] state that takes part in the choice alone and balances; null for none.</param>
    /// <param name="scores">How logits become scores; null for what the options say.</param>
    public Gate(GateOptions options, IRouter router, ISelection selection, Parameter? bias = null, IScores? scores = null)
    {
        Options = options;
        Routing = new Routing(router.Experts);
        _router = router;
        _selection = selection;
        _scores = scores ?? (options.Scores == GateScores.Sigmoid ? new SigmoidScores() : new SoftmaxScores());
        _bias = bias is null ? null : new BalanceBias(bias);
        ChoiceBias = _bias?.Values ?? DeviceSpan<float>.Empty;
        _pass = new GatePass(Routing, _scores.NeedSum);
        _losses = new GateLosses(router.Experts);
        Routing.MeasuredBy(_losses);
    }

    /// <inheritdoc />
    public Routing Routing { get; }

    /// <inheritdoc />
    public GateOptions Options { get; private set; }

    /// <summary>[experts] added to the scores for the choice alone; empty for none.</summary>
    public DeviceSpan<float> ChoiceBias { get; set; }

    /// <inheritdoc />
    public void Reconfigure(GateOptions options)
    {
        List<string> errors =
            [.. GateValidator.Of(options, _router.Experts), .. _selection.Errors(options), .. options.ErrorsOfChange(Options)];
        if (errors.Count > 0)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, errors), nameof(options));
        }

        Options = options;
    }

    /// <inheritdoc />
    public void Forward(Tape tape, in Tensor x, in RoutingContext context)
    {
        IDevice device = tape.Device;
        _pass.Options = Options;
        _pass.Context = context;
        _pass.ChoiceBias = ChoiceBias;
        _pass.Logits = _router.Forward(tape, _jitter.Forward(tape, x, Options.Jitter, context.Stream(RandomStream.Jitter)));
        if (_pass.Logits.Rows != x.Rows || _pass.Logits.Columns != _router.Experts)
        {
            throw new InvalidOperationException(
                $"The router's logits are {_pass.Logits.Rows}×{_pass.Logits.Columns}; {x.Rows} tokens and {_router.Experts} experts need {x.Rows}×{_router.Experts}.");
        }

        _pass.NoisyLogits = AddNoise(tape, context.Stream(RandomStream.Noise));
        Score(tape);
        _selection.Select(tape, _pass);
        int k = Routing.K;
        Routing.Weights = tape.Arena.Take<float>(x.Rows * k);
        device.ChoiceWeights(
            _pass.Scores, Routing.Choices, k, _selection.Renormalises(Options), GateOptions.Epsilon, Routing.Weights);
        if (Options.RoutedScale != 1f)
        {
            device.Scale(Routing.Weights, Options.RoutedScale);
        }

        int capacity = _selection.Capacity(_pass);
        Routing.AssignSlots(tape, capacity, SlotOrder.Of(tape, _pass, capacity));
        Routing.Tokens = context.ValidCount;
        _losses.Measure(tape, _pass, balances: !_selection.IsBalanced);
    }

    /// <inheritdoc />
    public void Backward(Tape tape, DeviceSpan<float> dWeights)
    {
        IDevice device = tape.Device;
        GateOptions options = _pass.Options;
        Matrix dScores = tape.NewMatrix(_pass.Scores.Rows, _pass.Scores.Columns);
        Matrix dLogits = dScores;
        if (options.RoutedScale != 1f)
        {
            device.Scale(dWeights, options.RoutedScale);
        }

        device.ChoiceWeightsGradient(
            _pass.Scores, Routing.Choices, Routing.K, _selection.Renormalises(options), GateOptions.Epsilon, dWeights, dScores);
        _losses.AddScoreGradient(tape, _pass, dScores);
        _scores.Backward(tape, _pass.Scores, dScores, dLogits);
        _losses.AddLogitGradient(tape, _pass, dLogits);
        _router.Backward(tape, dLogits);
        _jitter.Backward(tape);
        _bias?.AddCounts(tape, Routing.Counts.Chosen);
    }

    /// <inheritdoc />
    public void EndStep(IDevice device, DeviceSpan<float> gradients)
    {
        if (Options.BiasUpdateRate > 0)
        {
            _bias?.Update(device, gradients, Options.BiasUpdateRate);
        }
    }

    private Matrix AddNoise(Tape tape, ulong? key)
    {
        if (Options.Noise == 0f || key is not { } drawn)
        {
            return _pass.Logits;
        }

        Matrix noisy = tape.NewMatrix(_pass.Logits.Rows, _pass.Logits.Columns);
        tape.Device.Copy(_pass.Logits.Data, noisy.Data);
        tape.Device.AddNormal(noisy, drawn, Options.NoiseDeviation(_router.Experts));
        return noisy;
    }

    private void Score(Tape tape)
    {
        _pass.Scores = tape.NewMatrix(_pass.Logits.Rows, _pass.Logits.Columns);
        _pass.LogSumExp = tape.Arena.Take<float>(_pass.Logits.Rows);
        _scores.Forward(tape, _pass.NoisyLogits, _pass.Scores, _pass.LogSumExp);
    }
}

/// <summary>What a forward pass of a gate has computed so far, for the parts that follow. One object per gate.</summary>
public sealed class GatePass
{
    internal GatePass(Routing routing, bool scoresNeedSum)
    {
        Routing = routing;
        ScoresNeedSum = scoresNeedSum;
    }

    /// <summary>What the gate decides.</summary>
    public Routing Routing { get; }

    /// <summary>The policy of this pass.</summary>
    public GateOptions Options { get; internal set; } = new();

    /// <summary>The micro-batch.</summary>
    public RoutingContext Context { get; internal set; }

    /// <summary>[n, experts] without noise.</summary>
    public Matrix Logits { get; internal set; }

    /// <summary>[n, experts] with noise: what scores are made from. The same memory as <see cref="Logits"/> where there is none.</summary>
    public Matrix NoisyLogits { get; internal set; }

    /// <summary>[n, experts].</summary>
    public Matrix Scores { get; internal set; }

    /// <summary>[n] log Σ exp of the noisy logits.</summary>
    public DeviceSpan<float> LogSumExp { get; internal set; }

    /// <summary>[experts] added to the scores for the choice alone; empty for none.</summary>
    public DeviceSpan<float> ChoiceBias { get; internal set; }

    /// <summary>Experts of the layer.</summary>
    public int Experts => Routing.Experts;

    /// <summary>Whether the scores of a row become probabilities only when they are divided by their sum.</summary>
    internal bool ScoresNeedSum { get; }

    /// <summary>Whether noise was added in this pass.</summary>
    internal bool IsNoisy => Logits.Data.Address != NoisyLogits.Data.Address;
}

/// <summary>The router's view of its input in training: times U(1 − jitter, 1 + jitter), element by element (Switch, arXiv 2101.03961, §2.4).</summary>
internal sealed class InputJitter
{
    private Tensor _x;
    private Tensor _jittered;
    private float _spread;
    private ulong? _key;

    /// <summary>The router's input: <paramref name="x"/> itself where there is no jitter.</summary>
    public Tensor Forward(Tape tape, in Tensor x, float spread, ulong? key)
    {
        _key = spread > 0 ? key : null;
        if (_key is not { } drawn)
        {
            return x;
        }

        _x = x;
        _spread = spread;
        _jittered = tape.Create(x.Rows, x.Columns);
        tape.Device.MultiplyUniform(x.Value, drawn, spread, _jittered.Value, Accumulation.Store);
        return _jittered;
    }

    /// <summary>Takes the gradient from the router's view to its input.</summary>
    public void Backward(Tape tape)
    {
        if (_key is { } drawn)
        {
            Matrix dJittered = tape.Gradient(_jittered);
            Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
            tape.Device.MultiplyUniform(dJittered, drawn, _spread, dx, accumulation);
        }
    }
}

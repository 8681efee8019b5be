using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary>
/// The top-any gate (Tutel, arXiv 2206.03382, §3): scores of <c>x·Wg</c> in fp32, the k best of each token, weights renormalised
/// over the chosen before anything is dropped. With sigmoid scores a bias takes part in the choice alone (DeepSeek-V3).
/// </summary>
/// <remarks>
/// Balance loss: <c>E·Σₑ mean_t(p_te)·fₑ</c>, fₑ the share of tokens whose first choice is e, before dropping and constant in
/// backward; p is the softmax, or the sigmoids divided by their sum. z-loss: <c>mean(logsumexp(logits)²)</c>.
/// </remarks>
/// <param name="options">The policy.</param>
/// <param name="router">Wg, [features, experts].</param>
public sealed class TopAnyGate(GateOptions options, Parameter router) : IGate
{
    private readonly float[] _hostSums = new float[router.Shape.Columns];
    private readonly float[] _hostSumsGradient = new float[router.Shape.Columns];
    private float[] _hostLogSumExp = [];
    private RoutingContext _context;
    private Tensor _x;
    private Matrix _logits;
    private Matrix _scores;
    private DeviceSpan<float> _logSumExp;

    /// <inheritdoc />
    public Routing Routing { get; } = new(router.Shape.Columns, options.TopK);

    /// <summary>[experts] added to the scores for the choice alone; empty for none.</summary>
    public DeviceSpan<float> ChoiceBias { get; set; }

    private int Experts => router.Shape.Columns;

    private bool Normalised => options.Scores == GateScores.Sigmoid;

    /// <inheritdoc />
    public void Forward(Tape tape, in Tensor x, in RoutingContext context)
    {
        IDevice device = tape.Device;
        _context = context;
        _x = x;
        _logits = tape.NewMatrix(x.Rows, Experts);
        _scores = tape.NewMatrix(x.Rows, Experts);
        _logSumExp = tape.Arena.Take<float>(x.Rows);
        device.MatMul(x.Value, router.Value, _logits);
        if (options.Scores == GateScores.Softmax)
        {
            device.Softmax(_logits, _scores, _logSumExp);
        }
        else
        {
            device.Sigmoid(_logits, _scores, _logSumExp);
        }

        int k = options.TopK;
        Routing.Choices = tape.Arena.Take<int>(x.Rows * k);
        Routing.Weights = tape.Arena.Take<float>(x.Rows * k);
        device.TopK(_scores, ChoiceBias, context.Valid, k, Routing.Choices);
        device.ChoiceWeights(_scores, Routing.Choices, k, Renormalises, GateOptions.Epsilon, Routing.Weights);
        device.Read(Routing.Choices, Routing.BeginChoices(x.Rows));
        Routing.AssignSlots(options.Capacity(context.ValidCount, Experts));
        MeasureLosses(tape);
    }

    /// <inheritdoc />
    public void Backward(Tape tape, DeviceSpan<float> dWeights)
    {
        IDevice device = tape.Device;
        int k = options.TopK;
        Matrix dScores = tape.NewMatrix(_x.Rows, Experts);
        Matrix dLogits = dScores;
        device.ChoiceWeightsGradient(_scores, Routing.Choices, k, Renormalises, GateOptions.Epsilon, dWeights, dScores);
        float tokens = _context.ValidCount;
        if (options.BalanceCoefficient > 0 && tokens > 0)
        {
            // d/d(Σ_t p_te) of c·E·Σₑ (Σ_t p_te/T)·fₑ is c·E·fₑ/T.
            for (int e = 0; e < Experts; e++)
            {
                _hostSumsGradient[e] = options.BalanceCoefficient * _context.AuxiliaryScale * Experts * (Routing.FirstChoices[e] / tokens) / tokens;
            }

            DeviceSpan<float> sumsGradient = tape.Arena.Take<float>(Experts);
            device.Write(_hostSumsGradient, sumsGradient);
            device.AddScoreSumsGradient(_scores, _context.Valid, Normalised, sumsGradient, dScores);
        }

        if (options.Scores == GateScores.Softmax)
        {
            device.SoftmaxGradient(_scores, dScores, dLogits);
        }
        else
        {
            device.SigmoidGradient(_scores, dScores, dLogits);
        }

        if (options.ZCoefficient > 0 && tokens > 0)
        {
            device.ZLossGradient(_logits, _logSumExp, _context.Valid, options.ZCoefficient * _context.AuxiliaryScale / tokens, dLogits);
        }

        device.MatMul(_x.Value.T, dLogits, router.Gradient, Accumulation.Add);
        Matrix dx = tape.GradientToWrite(_x, out Accumulation accumulation);
        device.MatMul(dLogits, router.Value.T, dx, accumulation);
    }

    /// <summary>One expert per token keeps its raw score: divided by itself it would be 1 and carry no gradient.</summary>
    private bool Renormalises => options.Renormalise && options.TopK > 1;

    private void MeasureLosses(Tape tape)
    {
        Routing.BalanceLoss = 0;
        Routing.ZLoss = 0;
        if (_context.ValidCount == 0)
        {
            return;
        }

        double tokens = _context.ValidCount;
        DeviceSpan<float> sums = tape.Arena.TakeZeroed(Experts);
        tape.Device.AddScoreSums(_scores, _context.Valid, Normalised, sums);
        tape.Device.Read(sums, _hostSums);
        for (int e = 0; e < Experts; e++)
        {
            Routing.BalanceLoss += Experts * (_hostSums[e] / tokens) * (Routing.FirstChoices[e] / tokens);
        }

        if (_hostLogSumExp.Length < _logSumExp.Length)
        {
            _hostLogSumExp = new float[_logSumExp.Length];
        }

        tape.Device.Read(_logSumExp, _hostLogSumExp.AsSpan(0, _logSumExp.Length));
        ReadOnlySpan<int> choices = Routing.HostChoices;
        for (int t = 0; t < _logSumExp.Length; t++)
        {
            if (choices[t * options.TopK] >= 0)
            {
                Routing.ZLoss += (double)_hostLogSumExp[t] * _hostLogSumExp[t] / tokens;
            }
        }
    }
}

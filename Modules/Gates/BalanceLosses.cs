using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.Gates;

/// <summary>The auxiliary loss that keeps experts equally busy.</summary>
public enum BalanceLossKind
{
    /// <summary><c>E·Σₑ mean_t(p_te)·fₑ</c>, fₑ the share of tokens whose first choice is e (GShard, arXiv 2006.16668, §2.2).</summary>
    FirstChoice,

    /// <summary>The same with fₑ the share of all k choices (DeepSeek-V3, arXiv 2412.19437, §2.1.2; Mixtral).</summary>
    AllChoices,

    /// <summary>½·(CV² of importance + CV² of the smooth load) (Shazeer et al., arXiv 1701.06538, §4; Tutel). Needs noise.</summary>
    LoadImportance,
}

/// <summary>A loss that keeps experts equally busy. It is a product of means over the tokens of a micro-batch.</summary>
internal interface IBalanceLoss
{
    /// <summary>The loss, without coefficient, of a pass that has chosen. There is at least one token.</summary>
    double Measure(Tape tape, GatePass pass);

    /// <summary>Adds <paramref name="factor"/> times the gradient by the scores, if there is one.</summary>
    void AddScoreGradient(Tape tape, GatePass pass, float factor, in Matrix dScores) { }

    /// <summary>Adds <paramref name="factor"/> times the gradient by the logits that does not go through the scores, if there is one.</summary>
    void AddLogitGradient(Tape tape, GatePass pass, float factor, in Matrix dLogits) { }
}

/// <summary>
/// <c>E·Σₑ mean_t(p_te)·fₑ</c>: p is the softmax, or the sigmoids divided by their sum; fₑ is the share of choices that fell on e, before
/// dropping, and constant in backward.
/// </summary>
/// <param name="experts">Experts of the layer.</param>
/// <param name="allChoices">Whether all k choices count, or the first alone.</param>
internal sealed class ChoiceBalanceLoss(int experts, bool allChoices) : IBalanceLoss
{
    private readonly float[] _sums = new float[experts];
    private readonly float[] _sumsGradient = new float[experts];

    public double Measure(Tape tape, GatePass pass)
    {
        double tokens = pass.Context.ValidCount;
        DeviceSpan<float> sums = tape.Arena.TakeZeroed(experts);
        tape.Device.AddScoreSums(pass.Scores, pass.Context.Valid, pass.ScoresNeedSum, sums);
        tape.Device.Read(sums, _sums);
        int[] counts = Counts(pass, out double choices);
        double loss = 0;
        for (int e = 0; e < experts; e++)
        {
            loss += experts * (_sums[e] / tokens) * (counts[e] / choices);
        }

        return loss;
    }

    public void AddScoreGradient(Tape tape, GatePass pass, float factor, in Matrix dScores)
    {
        // d/d(Σ_t p_te) of c·E·Σₑ (Σ_t p_te/T)·fₑ is c·E·fₑ/T.
        float tokens = pass.Context.ValidCount;
        int[] counts = Counts(pass, out double choices);
        for (int e = 0; e < experts; e++)
        {
            _sumsGradient[e] = factor * experts * (counts[e] / (float)choices) / tokens;
        }

        DeviceSpan<float> sumsGradient = tape.Arena.Take<float>(experts);
        tape.Device.Write(_sumsGradient, sumsGradient);
        tape.Device.AddScoreSumsGradient(pass.Scores, pass.Context.Valid, pass.ScoresNeedSum, sumsGradient, dScores);
    }

    private int[] Counts(GatePass pass, out double choices)
    {
        choices = (double)pass.Context.ValidCount * (allChoices ? pass.Routing.K : 1);
        return allChoices ? pass.Routing.ChosenTokens : pass.Routing.FirstChoices;
    }
}

/// <summary>
/// <c>½·(CV²(importance) + CV²(load))</c> (Shazeer et al., arXiv 1701.06538, §4 and appendix A; Tutel). Importance is <c>Σ_t p_te</c>, p the
/// softmax without noise; load is <c>Σ_t Φ((a_te − θ_t)/σ)</c>, the probability that e would be among the k best under fresh noise of
/// deviation σ. Both a, the logit without noise, and θ, the k-th noisy logit, are logits. CV² is variance over squared mean.
/// </summary>
/// <param name="experts">Experts of the layer.</param>
internal sealed class LoadImportanceLoss(int experts) : IBalanceLoss
{
    private readonly float[] _importance = new float[experts];
    private readonly float[] _load = new float[experts];
    private readonly float[] _gradient = new float[experts];
    private Matrix _probabilities;

    public double Measure(Tape tape, GatePass pass)
    {
        IDevice device = tape.Device;
        _probabilities = pass.Scores;
        if (pass.IsNoisy)
        {
            _probabilities = tape.NewMatrix(pass.Logits.Rows, experts);
            device.Softmax(pass.Logits, _probabilities, DeviceSpan<float>.Empty);
        }

        DeviceSpan<float> importance = tape.Arena.TakeZeroed(experts);
        device.AddScoreSums(_probabilities, pass.Context.Valid, normalise: false, importance);
        device.Read(importance, _importance);
        DeviceSpan<float> load = tape.Arena.TakeZeroed(experts);
        device.AddSmoothLoad(
            pass.Logits, pass.NoisyLogits, pass.Routing.Choices, pass.Routing.K, pass.Options.NoiseDeviation(experts), load);
        device.Read(load, _load);
        return 0.5 * (SquaredVariation(_importance) + SquaredVariation(_load));
    }

    public void AddLogitGradient(Tape tape, GatePass pass, float factor, in Matrix dLogits)
    {
        IDevice device = tape.Device;
        Matrix dImportance = tape.NewMatrix(dLogits.Rows, experts);
        device.Fill(dImportance.Data, 0f);
        device.AddScoreSumsGradient(
            _probabilities, pass.Context.Valid, normalise: false, Gradient(tape, _importance, 0.5 * factor), dImportance);
        device.SoftmaxGradient(_probabilities, dImportance, dImportance);
        device.Add(dImportance.Data, dLogits.Data);
        device.AddSmoothLoadGradient(
            pass.Logits, pass.NoisyLogits, pass.Routing.Choices, pass.Routing.K, pass.Options.NoiseDeviation(experts),
            Gradient(tape, _load, 0.5 * factor), dLogits);
    }

    /// <summary>Variance over squared mean: E·Σv²/(Σv)² − 1.</summary>
    private static double SquaredVariation(float[] values)
    {
        (double sum, double squares) = Moments(values);
        return sum > 0 ? values.Length * squares / (sum * sum) - 1 : 0;
    }

    /// <summary><c>factor·2E/S²·(v − Q/S)</c> with S = Σv, Q = Σv².</summary>
    private DeviceSpan<float> Gradient(Tape tape, float[] values, double factor)
    {
        (double sum, double squares) = Moments(values);
        for (int e = 0; e < experts; e++)
        {
            _gradient[e] = sum > 0 ? (float)(factor * 2 * experts / (sum * sum) * (values[e] - squares / sum)) : 0f;
        }

        DeviceSpan<float> gradient = tape.Arena.Take<float>(experts);
        tape.Device.Write(_gradient, gradient);
        return gradient;
    }

    private static (double Sum, double Squares) Moments(float[] values)
    {
        double sum = 0, squares = 0;
        foreach (float value in values)
        {
            sum += value;
            squares += (double)value * value;
        }

        return (sum, squares);
    }
}

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
    /// <summary>Stores the loss, without coefficient, of a pass that has chosen. There is at least one token.</summary>
    void Measure(Tape tape, GatePass pass, DeviceSpan<double> loss);

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
    public void Measure(Tape tape, GatePass pass, DeviceSpan<double> loss)
    {
        DeviceSpan<float> sums = tape.Arena.TakeZeroed(experts);
        tape.Device.AddScoreSums(pass.Scores, pass.Context.Valid, pass.ScoresNeedSum, sums);
        tape.Device.ChoiceBalance(sums, Counts(pass), pass.Context.ValidCount, ChoicesOf(pass), loss);
    }

    public void AddScoreGradient(Tape tape, GatePass pass, float factor, in Matrix dScores)
    {
        DeviceSpan<float> sumsGradient = tape.Arena.Take<float>(experts);
        tape.Device.ChoiceBalanceGradient(Counts(pass), pass.Context.ValidCount, ChoicesOf(pass), factor, sumsGradient);
        tape.Device.AddScoreSumsGradient(pass.Scores, pass.Context.Valid, pass.ScoresNeedSum, sumsGradient, dScores);
    }

    private DeviceSpan<int> Counts(GatePass pass) => allChoices ? pass.Routing.Counts.Chosen : pass.Routing.Counts.FirstChoices;

    private int ChoicesOf(GatePass pass) => allChoices ? pass.Routing.K : 1;
}

/// <summary>
/// <c>½·(CV²(importance) + CV²(load))</c> (Shazeer et al., arXiv 1701.06538, §4 and appendix A; Tutel). Importance is <c>Σ_t p_te</c>, p the
/// softmax without noise; load is <c>Σ_t Φ((a_te − θ_t)/σ)</c>, the probability that e would be among the k best under fresh noise of
/// deviation σ. Both a, the logit without noise, and θ, the k-th noisy logit, are logits. CV² is variance over squared mean.
/// </summary>
/// <param name="experts">Experts of the layer.</param>
internal sealed class LoadImportanceLoss(int experts) : IBalanceLoss
{
    private Matrix _probabilities;
    private DeviceSpan<float> _importance;
    private DeviceSpan<float> _load;

    public void Measure(Tape tape, GatePass pass, DeviceSpan<double> loss)
    {
        IDevice device = tape.Device;
        _probabilities = pass.Scores;
        if (pass.IsNoisy)
        {
            _probabilities = tape.NewMatrix(pass.Logits.Rows, experts);
            device.Softmax(pass.Logits, _probabilities, DeviceSpan<float>.Empty);
        }

        _importance = tape.Arena.TakeZeroed(experts);
        device.AddScoreSums(_probabilities, pass.Context.Valid, normalise: false, _importance);
        _load = tape.Arena.TakeZeroed(experts);
        device.AddSmoothLoad(
            pass.Logits, pass.NoisyLogits, pass.Routing.Choices, pass.Routing.K, pass.Options.NoiseDeviation(experts), _load);
        device.LoadImportance(_importance, _load, loss);
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

    /// <summary>Of the factor times CV².</summary>
    private DeviceSpan<float> Gradient(Tape tape, DeviceSpan<float> values, double factor)
    {
        DeviceSpan<float> gradient = tape.Arena.Take<float>(experts);
        tape.Device.SquaredVariationGradient(values, factor, gradient);
        return gradient;
    }
}

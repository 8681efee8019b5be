using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

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

    /// <inheritdoc />
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

    /// <inheritdoc />
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

    /// <inheritdoc />
    public void AddLogitGradient(Tape tape, GatePass pass, float factor, in Matrix dLogits)
    {
    }

    private int[] Counts(GatePass pass, out double choices)
    {
        choices = (double)pass.Context.ValidCount * (allChoices ? pass.Routing.K : 1);
        return allChoices ? pass.Routing.ChosenTokens : pass.Routing.FirstChoices;
    }
}

using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Gates;

/// <summary><c>mean_t(logsumexp(logits_t)²)</c> (ST-MoE, arXiv 2202.08906, §3): keeps logits small. On the logits for sigmoid scores too.</summary>
internal sealed class ZLoss
{
    private float[] _logSumExp = [];
    private int[] _valid = [];

    /// <summary>The loss, without coefficient. There is at least one token.</summary>
    public double Measure(Tape tape, GatePass pass)
    {
        int rows = pass.LogSumExp.Length;
        if (_logSumExp.Length < rows)
        {
            _logSumExp = new float[rows];
            _valid = new int[rows];
        }

        tape.Device.Read(pass.LogSumExp, _logSumExp.AsSpan(0, rows));
        bool all = pass.Context.Valid.IsEmpty;
        if (!all)
        {
            tape.Device.Read(pass.Context.Valid, _valid.AsSpan(0, rows));
        }

        double loss = 0;
        for (int t = 0; t < rows; t++)
        {
            if (all || _valid[t] != 0)
            {
                loss += (double)_logSumExp[t] * _logSumExp[t] / (double)pass.Context.ValidCount;
            }
        }

        return loss;
    }

    /// <summary>Adds <paramref name="factor"/> times the gradient by the logits.</summary>
    public static void AddGradient(Tape tape, GatePass pass, float factor, in Matrix dLogits) =>
        tape.Device.ZLossGradient(pass.NoisyLogits, pass.LogSumExp, pass.Context.Valid, factor / pass.Context.ValidCount, dLogits);
}

using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.Gates;

/// <summary>An auxiliary loss of one micro-batch at one gate.</summary>
/// <param name="Name">What it is called, such as <see cref="Balance"/>.</param>
/// <param name="Value">The loss, without its coefficient.</param>
/// <param name="Coefficient">Its weight in the loss of the step.</param>
public readonly record struct AuxiliaryLoss(string Name, double Value, double Coefficient)
{
    /// <summary>Name of the loss that keeps experts equally busy, of whatever kind.</summary>
    public const string Balance = "balance";

    /// <summary>Name of the z-loss.</summary>
    public const string Z = "z";
}

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

/// <summary>The entropy of a router: <c>−Σₑ p·ln p</c> of each token, from 0 (one expert) to ln E (all alike). Reported, not trained.</summary>
internal sealed class RouterEntropy
{
    private float[] _entropies = [];
    private int[] _valid = [];

    /// <summary>Σ over the tokens that take part, nats, in double in token order.</summary>
    public double Sum(Tape tape, GatePass pass)
    {
        int rows = pass.Scores.Rows;
        if (_entropies.Length < rows)
        {
            _entropies = new float[rows];
            _valid = new int[rows];
        }

        DeviceSpan<float> entropies = tape.Arena.Take<float>(rows);
        tape.Device.Entropies(pass.Scores, pass.ScoresNeedSum, entropies);
        tape.Device.Read(entropies, _entropies.AsSpan(0, rows));
        bool all = pass.Context.Valid.IsEmpty;
        if (!all)
        {
            tape.Device.Read(pass.Context.Valid, _valid.AsSpan(0, rows));
        }

        double sum = 0;
        for (int t = 0; t < rows; t++)
        {
            sum += all || _valid[t] != 0 ? _entropies[t] : 0;
        }

        return sum;
    }
}

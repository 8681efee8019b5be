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

/// <summary>A number of each token on the host, and 0 for the tokens that take no part.</summary>
internal sealed class TokenNumbers
{
    private float[] _numbers = [];
    private int[] _valid = [];

    /// <summary>Reads the numbers of a pass; they stay until the next one.</summary>
    public ReadOnlySpan<float> Read(Tape tape, GatePass pass, DeviceSpan<float> numbers)
    {
        if (_numbers.Length < numbers.Length)
        {
            _numbers = new float[numbers.Length];
            _valid = new int[numbers.Length];
        }

        Span<float> read = _numbers.AsSpan(0, numbers.Length);
        tape.Device.Read(numbers, read);
        if (!pass.Context.Valid.IsEmpty)
        {
            tape.Device.Read(pass.Context.Valid, _valid.AsSpan(0, read.Length));
            for (int t = 0; t < read.Length; t++)
            {
                read[t] = _valid[t] == 0 ? 0f : read[t];
            }
        }

        return read;
    }
}

/// <summary><c>mean_t(logsumexp(logits_t)²)</c> (ST-MoE, arXiv 2202.08906, §3): keeps logits small. On the logits for sigmoid scores too.</summary>
internal sealed class ZLoss
{
    private readonly TokenNumbers _logSumExp = new();

    /// <summary>The loss, without coefficient. There is at least one token.</summary>
    public double Measure(Tape tape, GatePass pass)
    {
        double loss = 0;
        foreach (float number in _logSumExp.Read(tape, pass, pass.LogSumExp))
        {
            loss += (double)number * number / (double)pass.Context.ValidCount;
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
    private readonly TokenNumbers _entropies = new();

    /// <summary>Σ over the tokens that take part, nats, in double in token order.</summary>
    public double Sum(Tape tape, GatePass pass)
    {
        DeviceSpan<float> entropies = tape.Arena.Take<float>(pass.Scores.Rows);
        tape.Device.Entropies(pass.Scores, pass.ScoresNeedSum, entropies);
        double sum = 0;
        foreach (float entropy in _entropies.Read(tape, pass, entropies))
        {
            sum += entropy;
        }

        return sum;
    }
}

using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Kinds;

/// <summary>Scores of one's own: log(1 + e^a), over the ordinary router and selection.</summary>
internal sealed class SoftplusGate : IGateKind
{
    public string Name => "softplus";

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [ParameterShape.Weight("router_in", dim, experts, 1f / MathF.Sqrt(dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters("router_in")), new TokenChoice(), scores: new Scores());

    private sealed class Scores : IScores
    {
        public bool NeedSum => true;

        public void Forward(Tape tape, in Matrix logits, in Matrix scores, DeviceSpan<float> logSumExp)
        {
            tape.Device.Softmax(logits, scores, logSumExp);
            for (int i = 0; i < scores.Data.Length; i++)
            {
                scores.Data.AsSpan()[i] = MathF.Log(1 + MathF.Exp(logits.Data.AsSpan()[i]));
            }
        }

        public void Backward(Tape tape, in Matrix scores, in Matrix dScores, in Matrix dLogits)
        {
            // d log(1 + e^a) = 1 − e^(−score).
            for (int i = 0; i < scores.Data.Length; i++)
            {
                dLogits.Data.AsSpan()[i] = dScores.Data.AsSpan()[i] * (1 - MathF.Exp(-scores.Data.AsSpan()[i]));
            }
        }
    }
}

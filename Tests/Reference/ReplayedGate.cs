using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Reference;

/// <summary>
/// Top-k gates that remember what the first model chose and make the models after it choose the same: where two experts' scores are nearly equal,
/// a rounded one may lead elsewhere, and gradients can then not be compared.
/// </summary>
internal sealed class ReplayedGate : IGateKind
{
    private readonly Dictionary<int, int[]> _remembered = [];
    private int _layer;

    public string Name => "replayed";

    /// <summary>Rows that the models after the first would have sent elsewhere.</summary>
    public int Flips { get; private set; }

    /// <summary>The kinds of a model, this one among them. Layers of a model are built in order.</summary>
    public ModelKinds Kinds()
    {
        _layer = 0;
        return ModelKinds.BuiltIn.With([], [this]);
    }

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) => [ParameterShape.Weight("router", dim, experts, 1f)];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters("router")), new Selection(this, _layer++));

    private sealed class Selection(ReplayedGate owner, int layer) : HostSelection
    {
        protected override void Choose(Tape tape, GatePass pass, Span<int> choices)
        {
            float[] scores = tape.Device.ToArray(pass.Scores.Data);
            int k = pass.Options.TopK;
            int[] best =
            [
                .. scores.Chunk(pass.Experts).SelectMany(row => row.Select((score, expert) => (score, expert)).OrderByDescending(pair => pair.score).Take(k))
                    .Select(pair => pair.expert),
            ];
            if (owner._remembered.TryAdd(layer, best))
            {
                best.CopyTo(choices);
                return;
            }

            int[] remembered = owner._remembered[layer];
            owner.Flips += best.Chunk(k).Zip(remembered.Chunk(k)).Count(pair => !pair.First.Order().SequenceEqual(pair.Second.Order()));
            remembered.CopyTo(choices);
        }
    }
}

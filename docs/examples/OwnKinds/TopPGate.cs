using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;

namespace MoEActors.Examples;

/// <summary>
/// A token takes its best experts until together they have a share p of its probability, topK of them at most: sure tokens get few experts,
/// doubtful ones many (Huang et al., arXiv 2403.07652).
/// </summary>
internal sealed class TopPGate(float p) : IGateKind
{
    public string Name => "top-p";

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [ParameterShape.Weight("router", dim, experts, 1f / MathF.Sqrt(dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters("router")), new Selection(p));

    public IEnumerable<string> Errors(GateOptions options)
    {
        if (options.Scores != GateScores.Softmax)
        {
            yield return $"{nameof(options.Scores)} is {options.Scores}; a share of the probability needs softmax scores.";
        }
    }

    /// <summary>No operation of a device cuts at a share, so this is done on the host, and says so.</summary>
    private sealed class Selection(float p) : HostSelection
    {
        private readonly TokenChoice _best = new();

        protected override void Choose(Tape tape, GatePass pass, Span<int> choices)
        {
            // The topK best of each token, best first; then whoever comes behind the share goes.
            _best.Select(tape, pass);
            tape.Device.Read(pass.Routing.Choices, choices);
            ReadOnlySpan<float> scores = ReadScores(tape, pass);
            for (int i = 0; i < choices.Length; i += pass.Routing.K)
            {
                float share = 0;
                foreach (ref int expert in choices.Slice(i, pass.Routing.K))
                {
                    float score = expert < 0 ? 0 : scores[i / pass.Routing.K * pass.Experts + expert];
                    expert = share < p ? expert : -1;
                    share += score;
                }
            }
        }
    }
}

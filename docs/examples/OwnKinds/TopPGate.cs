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

    private sealed class Selection(float p) : ISelection
    {
        private readonly TokenChoice _best = new();
        private float[] _scores = [];

        public void Select(Tape tape, GatePass pass)
        {
            // The topK best of each token, best first; then whoever comes behind the share goes.
            _best.Select(tape, pass);
            Routing routing = pass.Routing;
            Span<int> choices = routing.BeginChoices(routing.Rows, routing.K);
            int count = routing.Rows * pass.Experts;
            Array.Resize(ref _scores, Math.Max(_scores.Length, count));
            tape.Device.Read(pass.Scores.Data, _scores.AsSpan(0, count));
            for (int row = 0; row < routing.Rows; row++)
            {
                float share = 0;
                foreach (ref int expert in choices.Slice(row * routing.K, routing.K))
                {
                    float score = expert < 0 ? 0 : _scores[row * pass.Experts + expert];
                    expert = share < p ? expert : -1;
                    share += score;
                }
            }

            tape.Device.Write<int>(choices, routing.Choices);
        }
    }
}

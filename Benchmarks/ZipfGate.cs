using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Operations;

namespace MoEActors.Benchmarks;

/// <summary>
/// A gate whose choices are drawn, expert e with a probability in proportion to 1 / (e + 1), so that a benchmark knows its load. The router gives
/// the weights and is trained as ever.
/// </summary>
internal sealed class ZipfGate : IGateKind
{
    public const string KindName = "bench-zipf";

    /// <summary>The tensor of the router.</summary>
    private const string Router = "router";

    public string Name => KindName;

    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) =>
        [ParameterShape.Weight(Router, dim, experts, 1f / MathF.Sqrt(dim))];

    public IGate Create(GateOptions options, Func<string, Parameter> parameters)
    {
        Parameter router = parameters(Router);
        return new Gate(options, new LinearRouter(router), new Draw(router.Shape.Columns));
    }

    public IEnumerable<string> Errors(GateOptions options)
    {
        if (options.TopK != 1)
        {
            yield return $"{nameof(options.TopK)} is {options.TopK}; one expert is drawn for a token.";
        }
    }

    private sealed class Draw : HostSelection
    {
        /// <summary>Tells these draws from the gate's others.</summary>
        private const ulong Stream = 0x5A697066;

        /// <summary>By expert: the probability of it and all before it.</summary>
        private readonly double[] _upTo;

        private int[] _valid = [];

        public Draw(int experts)
        {
            double[] shares = [.. Enumerable.Range(1, experts).Select(rank => 1.0 / rank)];
            double sum = shares.Sum();
            double before = 0;
            _upTo = [.. shares.Select(share => before += share / sum)];
        }

        protected override void Choose(Tape tape, GatePass pass, Span<int> choices)
        {
            // Nothing is random in evaluation; the same draws do for any micro-batch there.
            ulong key = CounterRandom.Derive(pass.Context.RandomKey ?? 0, Stream);
            if (_valid.Length < pass.Context.Valid.Length)
            {
                _valid = new int[pass.Context.Valid.Length];
            }

            tape.Device.Read(pass.Context.Valid, _valid.AsSpan(0, pass.Context.Valid.Length));
            for (int row = 0; row < choices.Length; row++)
            {
                if (!pass.Context.Valid.IsEmpty && _valid[row] == 0)
                {
                    choices[row] = -1;
                    continue;
                }

                int place = Array.BinarySearch(_upTo, CounterRandom.Uniform(key, (ulong)row));
                choices[row] = Math.Min(place < 0 ? ~place : place + 1, _upTo.Length - 1);
            }
        }
    }
}

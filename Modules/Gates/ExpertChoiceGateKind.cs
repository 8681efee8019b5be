using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary><see cref="ExpertChoice"/> over a linear router. What only matters when tokens choose contradicts it.</summary>
internal sealed class ExpertChoiceGateKind : IGateKind
{
    /// <inheritdoc />
    public string Name => "expert-choice";

    /// <inheritdoc />
    public IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts) => [GateTensors.Linear(dim, experts)];

    /// <inheritdoc />
    public IGate Create(GateOptions options, Func<string, Parameter> parameters) =>
        new Gate(options, new LinearRouter(parameters(GateTensors.Router)), new ExpertChoice());

    /// <inheritdoc />
    public IEnumerable<string> Mistakes(GateOptions options)
    {
        if (options.CapacityFactor == 0)
        {
            yield return $"{nameof(options.CapacityFactor)} is 0; expert choice needs a capacity (1 gives each expert its even share).";
        }

        if (options.Priority != SlotPriority.Position)
        {
            yield return $"{nameof(options.Priority)} is {options.Priority}; under expert choice no two tokens compete for a slot in turn.";
        }

        if (options.Groups > 1)
        {
            yield return $"{nameof(options.Groups)} is {options.Groups}; under expert choice tokens do not choose, so groups limit nothing.";
        }

        if (options.SecondChoiceNoise > 0)
        {
            yield return $"{nameof(options.SecondChoiceNoise)} is {options.SecondChoiceNoise}; under expert choice tokens have no second choice.";
        }

        if (options.BiasUpdateRate > 0)
        {
            yield return $"{nameof(options.BiasUpdateRate)} is {options.BiasUpdateRate}; expert choice is balanced without a bias.";
        }

        if (options.Balance == BalanceLossKind.LoadImportance)
        {
            yield return $"{nameof(options.Balance)} is {options.Balance}; expert choice is balanced without a loss.";
        }
    }
}

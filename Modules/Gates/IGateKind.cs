using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>A gate that a configuration can name: its tensors, and how it is built over them.</summary>
public interface IGateKind
{
    /// <summary>Name in configurations.</summary>
    string Name { get; }

    /// <summary>The tensors of one layer's gate, names without prefix.</summary>
    /// <param name="options">The policy.</param>
    /// <param name="dim">Model features.</param>
    /// <param name="experts">Experts of the layer.</param>
    IReadOnlyList<ParameterShape> Layout(GateOptions options, int dim, int experts);

    /// <summary>The gate over tensors that exist.</summary>
    /// <param name="options">The policy.</param>
    /// <param name="parameters">The tensors of <see cref="Layout"/> by name.</param>
    IGate Create(GateOptions options, Func<string, Parameter> parameters);

    /// <summary>What this gate cannot do with the options, in words that name the property.</summary>
    IEnumerable<string> Mistakes(GateOptions options);
}

using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Checkpoints;

/// <summary>Names of optimizer state in a checkpoint: the block's prefix, the parameter, and which moment. Shapes are the parameters' own.</summary>
public static class MomentNames
{
    /// <summary>Name of a first moment.</summary>
    /// <param name="prefix">Prefix of the block; empty for the dense part.</param>
    /// <param name="parameter">The parameter.</param>
    public static string First(string prefix, ParameterShape parameter) => $"{Block(prefix)}{parameter.Name}.first_moment";

    /// <summary>Name of a second moment.</summary>
    /// <param name="prefix">Prefix of the block; empty for the dense part.</param>
    /// <param name="parameter">The parameter.</param>
    public static string Second(string prefix, ParameterShape parameter) => $"{Block(prefix)}{parameter.Name}.second_moment";

    private static string Block(string prefix) => prefix.Length == 0 ? "dense." : prefix;
}

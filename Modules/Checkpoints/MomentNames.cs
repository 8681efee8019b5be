using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Checkpoints;

/// <summary>Names of optimizer state in a checkpoint: the block's prefix, the parameter, and which moment. Shapes are the parameters' own.</summary>
public static class MomentNames
{
    /// <summary>Name of a first moment.</summary>
    public static string First(ParameterBlock block, ParameterShape parameter) => $"{Prefix(block)}{parameter.Name}.first_moment";

    /// <summary>Name of a second moment.</summary>
    public static string Second(ParameterBlock block, ParameterShape parameter) => $"{Prefix(block)}{parameter.Name}.second_moment";

    private static string Prefix(ParameterBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        return block.Prefix.Length == 0 ? "dense." : block.Prefix;
    }
}

using Orleans.Runtime;

namespace Orleans;

/// <summary>A call as a filter beside the caller sees it.</summary>
public interface IOutgoingGrainCallContext : IGrainCallContext
{
    /// <summary>The activation that calls; null for a client.</summary>
    IGrainContext? SourceContext { get; }
}

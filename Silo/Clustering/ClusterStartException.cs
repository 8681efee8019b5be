namespace MoEActors.Silo.Clustering;

/// <summary>A silo cannot be a member of its cluster. The message says why, and what to do.</summary>
public sealed class ClusterStartException(string message, Exception? cause = null) : Exception(message, cause);

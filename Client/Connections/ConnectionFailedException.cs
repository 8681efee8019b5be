namespace MoEActors.Client.Connections;

/// <summary>No silo of the cluster could be reached.</summary>
public sealed class ConnectionFailedException(string message, Exception cause) : Exception(message, cause);

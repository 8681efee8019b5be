namespace MoEActors.Cli.Simulation;

/// <summary>A trace that cannot be read. The message names the file, the line and the field.</summary>
internal sealed class TraceException(string file, long line, string complaint)
    : Exception($"{file}, line {line}: {complaint}");

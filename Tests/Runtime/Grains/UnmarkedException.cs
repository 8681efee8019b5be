namespace MoEActors.Tests.Runtime.Grains;

/// <summary>An exception without a codec.</summary>
public sealed class UnmarkedException(string message) : Exception(message)
{
}

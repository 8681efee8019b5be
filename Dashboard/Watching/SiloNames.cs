using System.Collections.Concurrent;

namespace MoEActors.Dashboard.Watching;

/// <summary>Names of silos by address, of those too that are gone.</summary>
internal sealed class SiloNames
{
    private readonly ConcurrentDictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>A silo is known.</summary>
    public void Know(string address, string name) => _names[address] = name;

    /// <summary>The name of a silo; its address where that is all that is known.</summary>
    public string Of(string address) => _names.GetValueOrDefault(address, address);

    /// <summary>A text with names for addresses.</summary>
    public string Named(string text) => _names.Aggregate(text, (named, silo) => named.Replace(silo.Key, silo.Value, StringComparison.Ordinal));
}

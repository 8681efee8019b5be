using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Grains.Cluster;

/// <summary>Silos by name, as people ask for them, and by address, as the cluster reaches them.</summary>
internal sealed class SiloNames(ISiloStatusOracle silos)
{
    /// <summary>Addresses of the silos that are alive, younger ones last: one that came back is not mistaken for the one before it, which may still count as alive.</summary>
    public IEnumerable<string> Alive => silos.GetActiveSilos().OrderBy(silo => silo.Generation).Select(silo => silo.ToParsableString());

    /// <summary>The name of a silo; null when it has none that is known.</summary>
    public string? Of(string address) => silos.TryGetSiloName(SiloAddress.FromParsableString(address), out string? name) ? name : null;

    /// <summary>Addresses of the silos with some names; of all that are alive, in the order of their names, when none is named.</summary>
    /// <exception cref="PlacementRefusedException">One of them is not alive.</exception>
    public string[] Addresses(string[] names)
    {
        Dictionary<string, string> alive = [];
        foreach (string address in Alive)
        {
            alive[Of(address) ?? address] = address;
        }

        string[] known = [.. alive.Keys.Order(StringComparer.Ordinal)];
        return
        [
            .. (names.Length > 0 ? names : known).Select(name => alive.TryGetValue(name, out string? address)
                ? address
                : throw new PlacementRefusedException($"The placement names silo '{name}', which is not alive; alive are {string.Join(", ", known)}.")),
        ];
    }
}

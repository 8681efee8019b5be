namespace MoEActors.Client;

/// <summary>What the silo of this process hears of the others, as soon as it does. A client elsewhere has to ask.</summary>
internal interface ISiloNews
{
    /// <summary>All silos that it knows, each time that something may have changed.</summary>
    IAsyncEnumerable<SiloSighting[]> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>A silo, as another sees it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Address">Its address.</param>
/// <param name="State">How it stands.</param>
internal readonly record struct SiloSighting(string Name, string Address, SiloState State);

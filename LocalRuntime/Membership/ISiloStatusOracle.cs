namespace Orleans.Runtime;

/// <summary>What a silo knows of the silos of its cluster.</summary>
public interface ISiloStatusOracle
{
    /// <summary>The status of this silo.</summary>
    SiloStatus CurrentStatus { get; }

    /// <summary>The name of this silo.</summary>
    string SiloName { get; }

    /// <summary>The address of this silo.</summary>
    SiloAddress SiloAddress { get; }

    /// <summary>The addresses of the silos that are active.</summary>
    SiloAddress[] GetActiveSilos();

    /// <summary>The status of a silo.</summary>
    SiloStatus GetApproximateSiloStatus(SiloAddress siloAddress);

    /// <summary>The status of every silo.</summary>
    Dictionary<SiloAddress, SiloStatus> GetApproximateSiloStatuses(bool onlyActive = false);

    /// <summary>The name of a silo.</summary>
    bool TryGetSiloName(SiloAddress siloAddress, out string? siloName);

    /// <summary>Whether a silo is gone.</summary>
    bool IsDeadSilo(SiloAddress silo);

    /// <summary>Begins to tell a listener of changes.</summary>
    bool SubscribeToSiloStatusEvents(ISiloStatusListener observer);

    /// <summary>Ends that.</summary>
    bool UnSubscribeFromSiloStatusEvents(ISiloStatusListener observer);
}

namespace Orleans;

/// <summary>Why an activation ended.</summary>
[GenerateSerializer]
public enum DeactivationReasonCode : byte
{
    /// <summary>No reason.</summary>
    None = 0,

    /// <summary>Its silo is shutting down.</summary>
    ShuttingDown = 1,

    /// <summary>It failed to activate.</summary>
    ActivationFailed = 2,

    /// <summary>The directory that knew about it is gone.</summary>
    DirectoryFailure = 3,

    /// <summary>It was idle for too long.</summary>
    ActivationIdle = 4,

    /// <summary>It did not respond.</summary>
    ActivationUnresponsive = 5,

    /// <summary>There is another activation of the same grain.</summary>
    DuplicateActivation = 6,

    /// <summary>A request was incompatible with it.</summary>
    IncompatibleRequest = 7,

    /// <summary>The application failed.</summary>
    ApplicationError = 8,

    /// <summary>The application asked for it.</summary>
    ApplicationRequested = 9,

    /// <summary>It moves to another silo.</summary>
    Migrating = 10,

    /// <summary>The runtime asked for it.</summary>
    RuntimeRequested = 11,

    /// <summary>Memory is short.</summary>
    HighMemoryPressure = 12,
}

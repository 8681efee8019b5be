namespace Orleans.Runtime;

/// <summary>How far an activation has come.</summary>
internal enum ActivationState
{
    Activating,
    Valid,
    Deactivating,
    Invalid,
}

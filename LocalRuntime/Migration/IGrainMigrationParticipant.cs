namespace Orleans.Runtime;

/// <summary>A grain class that carries something along when an activation moves to another silo.</summary>
public interface IGrainMigrationParticipant
{
    /// <summary>
    /// Called on the activation that is left, after <c>OnDeactivateAsync</c>. What it throws is logged and no more: the move goes on with
    /// what was added before.
    /// </summary>
    void OnDehydrate(IDehydrationContext dehydrationContext);

    /// <summary>
    /// Called on the new activation, before <c>OnActivateAsync</c>. What it throws is logged and no more: the activation goes on.
    /// </summary>
    void OnRehydrate(IRehydrationContext rehydrationContext);
}

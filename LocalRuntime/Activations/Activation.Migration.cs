using Orleans.Core.Internal;

namespace Orleans.Runtime;

/// <summary>How an activation moves to another silo.</summary>
internal sealed partial class Activation : IGrainManagementExtension
{
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MigrationContext? _luggage;
    private Dictionary<string, object>? _moveContext;
    private SiloAddress? _forwardTo;
    private bool _moves;

    /// <summary>Completes when the activation has begun its life, or ended it.</summary>
    public Task Settled => _settled.Task;

    public void Migrate(Dictionary<string, object>? requestContext, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_class is null || _state is ActivationState.Invalid)
            {
                return;
            }

            if (!_moves)
            {
                _moves = true;
                _moveContext = requestContext;
            }
        }

        // One that is leaving already moves too, unless it has said its last word.
        Deactivate(new DeactivationReason(DeactivationReasonCode.Migrating, "Migrating to another silo."), cancellationToken);
    }

    ValueTask IGrainManagementExtension.DeactivateOnIdle()
    {
        Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "IGrainManagementExtension.DeactivateOnIdle was called."));
        return default;
    }

    async ValueTask IGrainManagementExtension.MigrateOnIdle()
    {
        // Unlike a grain that asks for itself, one that is asked from outside stays if there is nowhere else to go.
        Dictionary<string, object>? context = RequestContext.Values;
        if (await PickOtherSiloAsync(context) is { } silo)
        {
            _forwardTo = silo;
            Migrate(context);
        }
    }

    /// <summary>The last act of an activation that moves. Says whether another one has taken its place.</summary>
    private async Task<bool> MoveAsync(CancellationToken cancellationToken)
    {
        try
        {
            _forwardTo ??= await PickOtherSiloAsync(_moveContext);
            if (_forwardTo is null)
            {
                return false;
            }

            RequestContext.Values = _moveContext;
            var luggage = new MigrationContext();
            Dehydrate(luggage);
            await Silo.Cluster.Mover.MoveAsync(this, _forwardTo, luggage, cancellationToken);
            return true;
        }
        catch (Exception exception)
        {
            // Where the requests that waited are sent nevertheless; they find a fresh activation there, or begin one.
            RuntimeLog.MoveFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress, _forwardTo);
            return false;
        }
    }

    private async Task<SiloAddress?> PickOtherSiloAsync(Dictionary<string, object>? context)
    {
        try
        {
            SiloAddress picked = await Mover.PickAsync(this, context);
            return picked == Silo.SiloAddress ? null : picked;
        }
        catch (Exception exception)
        {
            RuntimeLog.PlacementFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress);
            return null;
        }
    }

    private void Dehydrate(MigrationContext luggage)
    {
        try
        {
            luggage.TryAddValue(MigrationContext.AddressKey, Address);
            (GrainInstance as IGrainMigrationParticipant)?.OnDehydrate(luggage);
        }
        catch (Exception exception)
        {
            RuntimeLog.DehydrationFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress);
        }
    }

    private void Rehydrate()
    {
        try
        {
            if (_luggage is not null)
            {
                (GrainInstance as IGrainMigrationParticipant)?.OnRehydrate(_luggage);
            }
        }
        catch (Exception exception)
        {
            RuntimeLog.RehydrationFailed(Silo.Logger, exception, GrainId, Silo.SiloAddress);
        }
    }
}

using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Training;

/// <summary>
/// Tells the members what has been decided and written down: to apply a step, to go over to another placement, or both at once. A member
/// that does not hear it is told by whoever works next and calls the roll.
/// </summary>
internal sealed class CommitProtocol(ISiloStatusOracle silos, Members members)
{
    /// <summary>Tells all members; those who have done it already ignore it.</summary>
    /// <param name="step">The step that is committed.</param>
    /// <param name="adopted">The change of placement to go over to; null to stay. It knows the order afterwards, if everybody has heard it.</param>
    public async Task TellAsync(long step, PlacementSwitch? adopted)
    {
        try
        {
            Task<long> order = SendAsync(members.Epoch, step, adopted?.After.Version ?? 0);
            await Task.WhenAll(order, adopted is null ? Task.CompletedTask : PushAsync(adopted.Message.Map));
            if (adopted is not null)
            {
                members.Enter(adopted.After.Version, adopted.After);
                adopted.Order = await order;
            }
        }
        catch (EpochFailedException)
        {
            // It is decided all the same: whoever works next calls the roll and tells those who have not heard.
            members.Leave();
        }
    }

    /// <summary>Tells members that a roll-call found behind.</summary>
    /// <param name="epoch">The epoch that they are in.</param>
    /// <param name="step">The step that is committed.</param>
    /// <param name="adopt">The epoch to go over to; 0 to stay.</param>
    public Task<long> SendAsync(long epoch, long step, long adopt) =>
        members.SendAsync(new CommitOrder { Step = step, Adopt = adopt }, epoch);

    /// <summary>Every silo answers placement from its own memory, those outside the epoch too: a call may start anywhere.</summary>
    public Task PushAsync(PlacementMapMessage map) =>
        Task.WhenAll(silos.GetActiveSilos().Select(silo => members.InstallMapAsync(silo.ToParsableString(), map)));
}

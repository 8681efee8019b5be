namespace MoEActors.Native.Communication.InProcess;

/// <summary>The operations of a communicator, by the names that appear in messages.</summary>
internal enum CollectiveOperation
{
    None,
    AllToAll,
    AllGather,
    AddInRankOrder,
    ShareOwned,
    Broadcast,
}

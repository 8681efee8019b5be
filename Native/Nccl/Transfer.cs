using MoEActors.Native.Nccl.Bindings;

namespace MoEActors.Native.Nccl;

/// <summary>A piece of a collective as NCCL does it: bytes from, to or among GPUs.</summary>
/// <param name="Kind">What is done with them.</param>
/// <param name="Source">Where they are; of a reception, nowhere.</param>
/// <param name="Target">Where they go to; of a sending, nowhere.</param>
/// <param name="Bytes">How many there are of this rank.</param>
/// <param name="Peer">The other rank, or the root.</param>
internal readonly record struct Transfer(TransferKind Kind, nint Source, nint Target, long Bytes, int Peer)
{
    /// <summary>Has NCCL do it.</summary>
    public NcclResult Issue(nint communicator, nint stream) => Kind switch
    {
        TransferKind.Send => NcclFunctions.Send(Source, (nuint)Bytes, NcclType.UInt8, Peer, communicator, stream),
        TransferKind.Receive => NcclFunctions.Receive(Target, (nuint)Bytes, NcclType.UInt8, Peer, communicator, stream),
        TransferKind.AllGather => NcclFunctions.AllGather(Source, Target, (nuint)Bytes, NcclType.UInt8, communicator, stream),
        _ => NcclFunctions.Broadcast(Source, Target, (nuint)Bytes, NcclType.UInt8, Peer, communicator, stream),
    };
}

/// <summary>What NCCL does with bytes.</summary>
internal enum TransferKind
{
    /// <summary>To one rank.</summary>
    Send,

    /// <summary>From one rank.</summary>
    Receive,

    /// <summary>From every rank to all.</summary>
    AllGather,

    /// <summary>From one rank to all.</summary>
    Broadcast,
}

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Training;

/// <summary>Tells a batch that is sent again from another one for the same step.</summary>
internal static class BatchHash
{
    /// <summary>The first eight bytes of the SHA-256 of everything that the step depends on.</summary>
    public static ulong Of(StepRequest request)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (MicroBatchMessage batch in request.Batches)
        {
            hash.AppendData(MemoryMarshal.AsBytes<int>([batch.SequenceLength, batch.Inputs.Length]));
            hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Inputs));
            hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Targets));
        }

        return BitConverter.ToUInt64(hash.GetHashAndReset());
    }
}

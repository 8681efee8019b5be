using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Grains.Training;

/// <summary>Tells batches apart: the first eight bytes of SHA-256 over their token ids and shapes, or the caller's passes in their place.</summary>
internal static class BatchDigest
{
    public static ulong Of(StepRequest request)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(request.Forward.ToByteArray());
        for (int index = 0; index < request.Batches.Length; index++)
        {
            MicroBatch batch = request.Batches[index];
            ReadOnlySpan<int> shape = [index, batch.SequenceLength, batch.Inputs.Length];
            hash.AppendData(MemoryMarshal.AsBytes(shape));
            hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Inputs));
            hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Targets));
        }

        return BitConverter.ToUInt64(hash.GetHashAndReset());
    }
}

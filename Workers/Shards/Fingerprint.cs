using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Shards;

/// <summary>Hashes of parameters, bit for bit: the first eight bytes of SHA-256 over a block's tensors.</summary>
internal static class Fingerprint
{
    /// <summary>The dense part (every rank has it, and all must agree) and the shards of this worker.</summary>
    public static BlockHash[] Of(IDevice device, WorkerParameters parameters)
    {
        List<BlockHash> blocks = [new BlockHash("", Hash(device, parameters.Dense))];
        for (int i = 0; i < parameters.Shards.Count; i++)
        {
            (_, ParameterBlock block) = parameters.Shards.At(i);
            blocks.Add(new BlockHash(block.Prefix, Hash(device, block)));
        }

        return [.. blocks];
    }

    private static ulong Hash(IDevice device, ParameterBlock block)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Parameter parameter in block.Parameters)
        {
            float[] values = new float[parameter.Shape.Count];
            device.Read(parameter.Vector, values);
            hash.AppendData(MemoryMarshal.AsBytes<float>(values));
        }

        return BitConverter.ToUInt64(hash.GetHashAndReset());
    }
}

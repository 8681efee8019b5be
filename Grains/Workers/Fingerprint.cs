using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Parameters;
using MoEActors.Native;

namespace MoEActors.Grains.Workers;

/// <summary>Hashes of parameters, bit for bit: the first eight bytes of SHA-256 over a block's tensors.</summary>
internal static class Fingerprint
{
    /// <summary>The dense part (every rank has it, and all must agree) and the shards of this worker.</summary>
    public static BlockReport[] Of(WorkerModel model)
    {
        List<BlockReport> blocks = [new BlockReport("", Hash(model.Device, model.Parameters.Dense), "", [], 0)];
        for (int i = 0; i < model.Parameters.Shards.Count; i++)
        {
            (_, ParameterBlock block) = model.Parameters.Shards.At(i);
            blocks.Add(new BlockReport(block.Prefix, Hash(model.Device, block), "", [], 0));
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

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Grains.Training;

/// <summary>One hash for all parameters, whatever worker holds them.</summary>
internal static class ParameterHash
{
    /// <summary>Combines the blocks' hashes in the order of their names. Those that several workers hold must agree, and count once.</summary>
    /// <exception cref="ViewFailedException">Two workers' dense parameters, or two replicas of an expert, differ.</exception>
    public static ulong Combine(string model, IReadOnlyList<FingerprintReport> reports)
    {
        SortedDictionary<string, ulong> hashes = new(StringComparer.Ordinal);
        foreach (FingerprintReport report in reports)
        {
            foreach (BlockHash block in report.Blocks)
            {
                if (!hashes.TryAdd(block.Block, block.Hash) && hashes[block.Block] != block.Hash)
                {
                    throw new ViewFailedException(
                        $"{(block.Block.Length == 0 ? "The dense parameters" : $"The parameters '{block.Block}'")} of model '{model}' on rank {report.Rank} "
                        + "differ from those on a lower rank. Restore the model.");
                }
            }
        }

        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        foreach ((string name, ulong value) in hashes)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            hash.AppendData(bytes);
        }

        return BinaryPrimitives.ReadUInt64LittleEndian(hash.GetHashAndReset());
    }
}

using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu;

/// <summary>How the work of one operation is cut into pieces for the threads: always outputs, never sums.</summary>
public sealed unsafe partial class CpuDevice
{
    /// <summary>Elements of the smallest piece: 3 to 20 microseconds of work, about what waking a thread costs.</summary>
    private const int PieceElements = 1 << 16;

    private readonly NativeScratch _scratch = new();

    private void ForElements<TBody>(int elements, in TBody body)
        where TBody : struct, IRangeBody => _team.For(elements, PieceElements, body);

    /// <summary>Items are rows, or other units of <paramref name="elements"/> elements of work each.</summary>
    private void ForRows<TBody>(int rows, int elements, in TBody body)
        where TBody : struct, IRangeBody => _team.For(rows, Math.Max(1, PieceElements / Math.Max(1, elements)), body);

    private void SumTokens<TTerm>(in TTerm term, DeviceSpan<float> sums)
        where TTerm : struct, ITokenTerm
    {
        const int BlockColumns = TokenSumKernel<TTerm>.BlockColumns;
        int blocks = (int)((sums.Length + BlockColumns - 1L) / BlockColumns);
        int blockElements = (int)Math.Min(PieceElements, (long)term.Rows * BlockColumns);
        ForRows(blocks, blockElements, new TokenSumKernel<TTerm>(term, sums));
    }
}

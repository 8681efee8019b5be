using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Kernels;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu;

/// <summary>
/// The CPU as a device: managed SIMD code, no native dependency. Operations run on the caller's thread and on the device's
/// own <c>threads - 1</c> threads, and are complete when they return.
/// </summary>
public sealed unsafe partial class CpuDevice : IDevice
{
    /// <summary>Pages and vectors: every allocation starts on a cache line.</summary>
    private const nuint Alignment = 64;

    /// <summary>Elements of the smallest piece of work for a thread: 3 to 20 microseconds, about what waking a thread costs.</summary>
    private const int PieceElements = 1 << 16;

    private readonly ThreadTeam _team;
    private readonly NativeScratch _scratch = new();
    private long _allocatedBytes;

    /// <summary>Opens the CPU with <paramref name="threads"/> threads, the caller's included.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one thread.</exception>
    public CpuDevice(int threads = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _team = new ThreadTeam(threads, "moe cpu");
        _gemm = new Gemm.GemmEngine(_team);
    }

    /// <inheritdoc />
    public string Description =>
        $"CPU, {(Vector512.IsHardwareAccelerated ? "AVX-512" : Vector256.IsHardwareAccelerated ? "AVX2" : "portable vectors")}, "
        + $"{_team.Count} thread{(_team.Count == 1 ? "" : "s")}";

    /// <inheritdoc />
    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    /// <inheritdoc />
    public TimeSpan HelperTime => _team.HelperTime;

    /// <summary>How often the host has read: on a device that works beside it, how often it would have waited.</summary>
    internal long Reads { get; private set; }

    /// <inheritdoc />
    public IDevice OpenContext() => new CpuDevice(_team.Count);

    /// <inheritdoc />
    public DeviceBuffer Allocate(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nint address = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), HugePages.AlignmentFor(bytes, Alignment));
        HugePages.Ask((void*)address, bytes);
        Interlocked.Add(ref _allocatedBytes, bytes);
        return new DeviceBuffer(this, address, bytes);
    }

    void IDeviceMemory.Free(nint address, long bytes)
    {
        NativeMemory.AlignedFree((void*)address);
        Interlocked.Add(ref _allocatedBytes, -bytes);
    }

    /// <inheritdoc />
    public void Write<T>(ReadOnlySpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged => source.CopyTo(destination.AsSpan());

    /// <inheritdoc />
    public void Read<T>(DeviceSpan<T> source, Span<T> destination)
        where T : unmanaged
    {
        Reads++;
        source.AsSpan().CopyTo(destination);
    }

    /// <inheritdoc />
    public void Copy<T>(DeviceSpan<T> source, DeviceSpan<T> destination)
        where T : unmanaged => source.AsSpan().CopyTo(destination.AsSpan());

    /// <inheritdoc />
    public void Fill(DeviceSpan<float> span, float value) => span.AsSpan().Fill(value);

    /// <inheritdoc />
    public void Synchronize() { }

    /// <inheritdoc />
    public void Dispose()
    {
        _team.Dispose();
        _gemm.Dispose();
        _scratch.Dispose();
    }

    // The work of one operation is cut into pieces for the threads: always outputs, never sums.

    private void ForElements<TBody>(int elements, in TBody body)
        where TBody : struct, IRangeBody => _team.For(elements, PieceElements, body);

    /// <summary>Rows, or other units of <paramref name="elements"/> elements of work each.</summary>
    private void ForRows<TKernel>(int rows, int elements, in TKernel kernel)
        where TKernel : struct, IRowKernel => _team.For(rows, Grain(elements), new RowLoop<TKernel>(kernel));

    private static int Grain(int elements) => Math.Max(1, PieceElements / Math.Max(1, elements));

    private void Elementwise<TFunction>(
        in Matrix a, in Matrix b, in Matrix y, [CallerArgumentExpression(nameof(a))] string nameA = "",
        [CallerArgumentExpression(nameof(b))] string nameB = "", [CallerArgumentExpression(nameof(y))] string nameY = "")
        where TFunction : struct, IElementFunction
    {
        Operands.SameShape(b, a, nameB, nameA);
        Operands.SameShape(y, a, nameY, nameA);
        ForRows(y.Rows, y.Columns, new ElementwiseKernel<TFunction>(a, b, y));
    }

    private void SumTokens<TTerm>(in TTerm term, DeviceSpan<float> sums)
        where TTerm : struct, ITokenTerm
    {
        const int BlockColumns = TokenSumKernel<TTerm>.BlockColumns;
        int blocks = (int)((sums.Length + BlockColumns - 1L) / BlockColumns);
        int blockElements = (int)Math.Min(PieceElements, (long)term.Rows * BlockColumns);
        _team.For(blocks, Grain(blockElements), new TokenSumKernel<TTerm>(term, sums));
    }
}

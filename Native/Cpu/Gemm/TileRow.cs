using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// What every micro-kernel does with one row of its tile, whose chains are two registers side by side. All of it is inlined: the registers are local
/// variables of the kernel.
/// </summary>
internal static unsafe class TileRow
{
    /// <summary>The chains so far of the row at <paramref name="from"/>, which moves on to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(ref float* from, nint stride, out Vector512<float> left, out Vector512<float> right)
    {
        left = Vector512.Load(from);
        right = Vector512.Load(from + 16);
        from += stride;
    }

    /// <inheritdoc cref="Load(ref float*, nint, out Vector512{float}, out Vector512{float})" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(ref float* from, nint stride, out Vector256<float> left, out Vector256<float> right)
    {
        left = Vector256.Load(from);
        right = Vector256.Load(from + 8);
        from += stride;
    }

    /// <summary>The left half alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadLeft(ref float* from, nint stride)
    {
        Vector512<float> left = Vector512.Load(from);
        from += stride;
        return left;
    }

    /// <summary>One step of k: an element of A times a row of the sliver.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step(float a, Vector512<float> left, Vector512<float> right, ref Vector512<float> chainLeft, ref Vector512<float> chainRight)
    {
        Vector512<float> x = Vector512.Create(a);
        chainLeft = Vector512.FusedMultiplyAdd(x, left, chainLeft);
        chainRight = Vector512.FusedMultiplyAdd(x, right, chainRight);
    }

    /// <inheritdoc cref="Step(float, Vector512{float}, Vector512{float}, ref Vector512{float}, ref Vector512{float})" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Step(float a, Vector256<float> left, Vector256<float> right, ref Vector256<float> chainLeft, ref Vector256<float> chainRight)
    {
        Vector256<float> x = Vector256.Create(a);
        chainLeft = Vector256.FusedMultiplyAdd(x, left, chainLeft);
        chainRight = Vector256.FusedMultiplyAdd(x, right, chainRight);
    }

    /// <summary>Stores the chains, or their sum with the addend's row if there is an addend; both places move on to the next row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ref float* to, nint stride, ref float* addend, nint addendStride, Vector512<float> left, Vector512<float> right)
    {
        if (addend != null)
        {
            left = Vector512.Load(addend) + left;
            right = Vector512.Load(addend + 16) + right;
            addend += addendStride;
        }

        left.Store(to);
        right.Store(to + 16);
        to += stride;
    }

    /// <inheritdoc cref="Store(ref float*, nint, ref float*, nint, Vector512{float}, Vector512{float})" />
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ref float* to, nint stride, ref float* addend, nint addendStride, Vector256<float> left, Vector256<float> right)
    {
        if (addend != null)
        {
            left = Vector256.Load(addend) + left;
            right = Vector256.Load(addend + 8) + right;
            addend += addendStride;
        }

        left.Store(to);
        right.Store(to + 8);
        to += stride;
    }

    /// <summary>The left half alone; there is no addend.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreLeft(ref float* to, nint stride, Vector512<float> left)
    {
        left.Store(to);
        to += stride;
    }
}

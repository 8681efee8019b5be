using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>Transposes 16 × 16 elements in registers: with AVX-512 in four rounds of shuffles, 64 in all, for 256 elements.</summary>
internal static unsafe class Transpose16
{
    /// <summary>True where the instructions exist; elsewhere the packers copy element by element.</summary>
    public static bool IsSupported => Avx.IsSupported;

    /// <summary>
    /// Stores column k of the 16 rows at <paramref name="source"/> as 16 consecutive elements at
    /// <c>destination + k·destinationStride</c>, k ascending, so that a stride below 16 keeps the first elements of each.
    /// Only the first <paramref name="rows"/> rows are read; the others count as zero.
    /// </summary>
    public static void Run(float* source, nint stride, int rows, float* destination, nint destinationStride)
    {
        if (Avx512F.IsSupported)
        {
            Whole(source, stride, rows, destination, destinationStride);
        }
        else
        {
            Quarters(source, stride, rows, destination, destinationStride);
        }
    }

    private static void Quarters(float* source, nint stride, int rows, float* destination, nint destinationStride)
    {
        for (int k = 0; k < 16; k += 8, source += 8, destination += 8 * destinationStride)
        {
            if (destinationStride > 8)
            {
                // First: with a stride below 16 these reach into the elements that the lower rows then write.
                Transpose8.Run(source + 8 * stride, stride, rows - 8, destination + 8, destinationStride);
            }

            Transpose8.Run(source, stride, rows, destination, destinationStride);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Whole(float* source, nint stride, int rows, float* destination, nint destinationStride)
    {
        Vector512<float> r0 = Load(source, stride, rows, 0), r1 = Load(source, stride, rows, 1);
        Vector512<float> r2 = Load(source, stride, rows, 2), r3 = Load(source, stride, rows, 3);
        Vector512<float> r4 = Load(source, stride, rows, 4), r5 = Load(source, stride, rows, 5);
        Vector512<float> r6 = Load(source, stride, rows, 6), r7 = Load(source, stride, rows, 7);
        Vector512<float> r8 = Load(source, stride, rows, 8), r9 = Load(source, stride, rows, 9);
        Vector512<float> r10 = Load(source, stride, rows, 10), r11 = Load(source, stride, rows, 11);
        Vector512<float> r12 = Load(source, stride, rows, 12), r13 = Load(source, stride, rows, 13);
        Vector512<float> r14 = Load(source, stride, rows, 14), r15 = Load(source, stride, rows, 15);

        Quad(ref r0, ref r1, ref r2, ref r3);
        Quad(ref r4, ref r5, ref r6, ref r7);
        Quad(ref r8, ref r9, ref r10, ref r11);
        Quad(ref r12, ref r13, ref r14, ref r15);
        Across(ref r0, ref r4, ref r8, ref r12);
        Across(ref r1, ref r5, ref r9, ref r13);
        Across(ref r2, ref r6, ref r10, ref r14);
        Across(ref r3, ref r7, ref r11, ref r15);

        r0.Store(destination);
        r1.Store(destination + destinationStride);
        r2.Store(destination + 2 * destinationStride);
        r3.Store(destination + 3 * destinationStride);
        r4.Store(destination + 4 * destinationStride);
        r5.Store(destination + 5 * destinationStride);
        r6.Store(destination + 6 * destinationStride);
        r7.Store(destination + 7 * destinationStride);
        r8.Store(destination + 8 * destinationStride);
        r9.Store(destination + 9 * destinationStride);
        r10.Store(destination + 10 * destinationStride);
        r11.Store(destination + 11 * destinationStride);
        r12.Store(destination + 12 * destinationStride);
        r13.Store(destination + 13 * destinationStride);
        r14.Store(destination + 14 * destinationStride);
        r15.Store(destination + 15 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load(float* source, nint stride, int rows, int row) =>
        row < rows ? Vector512.Load(source + row * stride) : default;

    /// <summary>Transposes the 4 × 4 elements of each 128-bit lane of four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        Vector512<double> ab = Avx512F.UnpackLow(a, b).AsDouble();
        Vector512<double> abHigh = Avx512F.UnpackHigh(a, b).AsDouble();
        Vector512<double> cd = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        a = Avx512F.UnpackLow(ab, cd).AsSingle();
        b = Avx512F.UnpackHigh(ab, cd).AsSingle();
        c = Avx512F.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    /// <summary>Transposes the 4 × 4 lanes of 128 bits of four registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Across(ref Vector512<float> a, ref Vector512<float> b, ref Vector512<float> c, ref Vector512<float> d)
    {
        Vector512<float> abEven = Avx512F.Shuffle4x128(a, b, 0x88);
        Vector512<float> abOdd = Avx512F.Shuffle4x128(a, b, 0xDD);
        Vector512<float> cdEven = Avx512F.Shuffle4x128(c, d, 0x88);
        Vector512<float> cdOdd = Avx512F.Shuffle4x128(c, d, 0xDD);
        a = Avx512F.Shuffle4x128(abEven, cdEven, 0x88);
        b = Avx512F.Shuffle4x128(abOdd, cdOdd, 0x88);
        c = Avx512F.Shuffle4x128(abEven, cdEven, 0xDD);
        d = Avx512F.Shuffle4x128(abOdd, cdOdd, 0xDD);
    }
}

/// <summary>Transposes 8 × 8 elements in registers of AVX: what <see cref="Transpose16"/> uses without AVX-512.</summary>
internal static unsafe class Transpose8
{
    /// <summary>Stores column k of the 8 rows as 8 consecutive elements at <c>destination + k·destinationStride</c>, k ascending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* source, nint stride, int rows, float* destination, nint destinationStride)
    {
        Vector256<float> r0 = Load(source, stride, rows, 0), r1 = Load(source, stride, rows, 1);
        Vector256<float> r2 = Load(source, stride, rows, 2), r3 = Load(source, stride, rows, 3);
        Vector256<float> r4 = Load(source, stride, rows, 4), r5 = Load(source, stride, rows, 5);
        Vector256<float> r6 = Load(source, stride, rows, 6), r7 = Load(source, stride, rows, 7);
        Quad(ref r0, ref r1, ref r2, ref r3);
        Quad(ref r4, ref r5, ref r6, ref r7);
        Avx.Permute2x128(r0, r4, 0x20).Store(destination);
        Avx.Permute2x128(r1, r5, 0x20).Store(destination + destinationStride);
        Avx.Permute2x128(r2, r6, 0x20).Store(destination + 2 * destinationStride);
        Avx.Permute2x128(r3, r7, 0x20).Store(destination + 3 * destinationStride);
        Avx.Permute2x128(r0, r4, 0x31).Store(destination + 4 * destinationStride);
        Avx.Permute2x128(r1, r5, 0x31).Store(destination + 5 * destinationStride);
        Avx.Permute2x128(r2, r6, 0x31).Store(destination + 6 * destinationStride);
        Avx.Permute2x128(r3, r7, 0x31).Store(destination + 7 * destinationStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Load(float* source, nint stride, int rows, int row) =>
        row < rows ? Vector256.Load(source + row * stride) : default;

    /// <summary>Transposes the 4 × 4 elements of each 128-bit lane of four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(ref Vector256<float> a, ref Vector256<float> b, ref Vector256<float> c, ref Vector256<float> d)
    {
        Vector256<double> ab = Avx.UnpackLow(a, b).AsDouble();
        Vector256<double> abHigh = Avx.UnpackHigh(a, b).AsDouble();
        Vector256<double> cd = Avx.UnpackLow(c, d).AsDouble();
        Vector256<double> cdHigh = Avx.UnpackHigh(c, d).AsDouble();
        a = Avx.UnpackLow(ab, cd).AsSingle();
        b = Avx.UnpackHigh(ab, cd).AsSingle();
        c = Avx.UnpackLow(abHigh, cdHigh).AsSingle();
        d = Avx.UnpackHigh(abHigh, cdHigh).AsSingle();
    }
}

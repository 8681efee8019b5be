using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// Vectors of 16 floats and what is needed where a row ends in the middle of one: loads and stores that touch only the
/// elements that exist, and reductions over the lanes in one fixed order. The last, partial vector of a row goes through
/// the same arithmetic as the others, so that an element's bits do not depend on where the row ends.
/// </summary>
internal static unsafe class Lanes
{
    /// <summary>Lanes of a vector.</summary>
    public const int Count = 16;

    /// <summary>The elements at <paramref name="source"/>, of which <paramref name="left"/> exist; missing ones are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source, int left) => Load(source, left, Vector512<float>.Zero);

    /// <summary>The elements at <paramref name="source"/>, of which <paramref name="left"/> exist; missing ones are <paramref name="fill"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source, int left, Vector512<float> fill)
    {
        if (left >= Count)
        {
            return Vector512.Load(source);
        }

        return Avx512F.IsSupported ? Avx512F.MaskLoad(source, First(left), fill) : LoadByElement(source, left, fill);
    }

    /// <summary>Stores the first <paramref name="left"/> lanes, at most all.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector512<float> vector, int left)
    {
        if (left >= Count)
        {
            vector.Store(destination);
        }
        else if (Avx512F.IsSupported)
        {
            Avx512F.MaskStore(destination, First(left), vector);
        }
        else
        {
            StoreByElement(destination, vector, left);
        }
    }

    /// <summary>The sum of the lanes: halves are added to halves until one is left.</summary>
    public static float Sum(Vector512<float> vector)
    {
        Vector256<float> eight = vector.GetLower() + vector.GetUpper();
        Vector128<float> four = eight.GetLower() + eight.GetUpper();
        return (four.GetElement(0) + four.GetElement(2)) + (four.GetElement(1) + four.GetElement(3));
    }

    /// <summary>The sum of the lanes in double, in the order of <see cref="Sum(Vector512{float})"/>.</summary>
    public static double Sum(Vector512<double> vector)
    {
        Vector256<double> four = vector.GetLower() + vector.GetUpper();
        return (four.GetElement(0) + four.GetElement(2)) + (four.GetElement(1) + four.GetElement(3));
    }

    /// <summary>The largest lane. A NaN may be lost; the arithmetic that follows produces it again.</summary>
    public static float Max(Vector512<float> vector)
    {
        Vector256<float> eight = Vector256.MaxNative(vector.GetLower(), vector.GetUpper());
        Vector128<float> four = Vector128.MaxNative(eight.GetLower(), eight.GetUpper());
        Vector128<float> two = Vector128.MaxNative(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.MaxNative(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    /// <summary>The smallest lane.</summary>
    public static int Min(Vector512<int> vector)
    {
        Vector256<int> eight = Vector256.Min(vector.GetLower(), vector.GetUpper());
        Vector128<int> four = Vector128.Min(eight.GetLower(), eight.GetUpper());
        Vector128<int> two = Vector128.Min(four, Vector128.Shuffle(four, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Min(two, Vector128.Shuffle(two, Vector128.Create(1, 0, 3, 2))).ToScalar();
    }

    private static Vector512<float> First(int left) => Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(left)).AsSingle();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<float> LoadByElement(float* source, int left, Vector512<float> fill)
    {
        Vector512<float> vector = fill;
        for (int i = 0; i < left; i++)
        {
            ((float*)&vector)[i] = source[i];
        }

        return vector;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreByElement(float* destination, Vector512<float> vector, int left)
    {
        for (int i = 0; i < left; i++)
        {
            destination[i] = ((float*)&vector)[i];
        }
    }
}

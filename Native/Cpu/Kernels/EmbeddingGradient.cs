using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>
/// table[id] += Σ dy over the rows with that id. The keys hold id and row, sorted, so the rows of an id are neighbours and in
/// order; an id belongs to the range in which it begins.
/// </summary>
internal readonly unsafe struct EmbeddingGradientKernel(DeviceSpan<ulong> keys, Matrix dy, Matrix tableGradient) : IRangeBody
{
    /// <summary>The sort key of row <paramref name="row"/> with id <paramref name="id"/>.</summary>
    public static ulong Key(int id, int row) => (ulong)(uint)id << 32 | (uint)row;

    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        ulong* key = keys.Pointer;
        int first = start;
        while (first > 0 && first < end && Id(key[first]) == Id(key[first - 1]))
        {
            first++;
        }

        while (first < end)
        {
            int next = first + 1;
            while (next < keys.Length && Id(key[next]) == Id(key[first]))
            {
                next++;
            }

            Sum(key + first, next - first, tableGradient.Row(Id(key[first])));
            first = next;
        }
    }

    private static int Id(ulong key) => (int)(key >> 32);

    [MethodImpl(Compilation.AtOnce)]
    private void Sum(ulong* key, int rows, float* destination)
    {
        int columns = dy.Columns;
        for (int i = 0; i < columns; i += Lanes.Count)
        {
            int left = columns - i;
            Vector512<float> sum = Vector512<float>.Zero;
            for (int j = 0; j < rows; j++)
            {
                sum += Lanes.Load(dy.Row((int)key[j]) + i, left);
            }

            Lanes.Store(destination + i, Lanes.Load(destination + i, left) + sum, left);
        }
    }
}

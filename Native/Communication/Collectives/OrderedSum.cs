using System.Numerics;
using MoEActors.Native.Memory;

namespace MoEActors.Native.Communication.Collectives;

/// <summary>The additions of <see cref="ICommunicator.ReduceScatterInRankOrder"/>.</summary>
internal static unsafe class OrderedSum
{
    /// <summary>
    /// Adds to every element of <paramref name="sum"/> the same element of each part, in the order of the parts and one rounded
    /// addition each. Addition has no fused form and no order inside an element, so vectors and the tail give the same bits.
    /// </summary>
    /// <param name="sum">The running sum.</param>
    /// <param name="parts">Addresses of the parts' elements that belong to the first element of the sum.</param>
    public static void Add(DeviceSpan<float> sum, ReadOnlySpan<nint> parts)
    {
        float* running = sum.Pointer;
        int i = 0;
        for (; i <= sum.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> value = Vector.Load(running + i);
            foreach (nint part in parts)
            {
                value += Vector.Load((float*)part + i);
            }

            value.Store(running + i);
        }

        for (; i < sum.Length; i++)
        {
            float value = running[i];
            foreach (nint part in parts)
            {
                value += ((float*)part)[i];
            }

            running[i] = value;
        }
    }
}

using System.Text;
using MoEActors.Native;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Parameters;

/// <summary>
/// How a tensor starts. Random values come from a counter-based generator keyed by (seed, tensor name, element), never by
/// worker, so that any placement starts from the same bits.
/// </summary>
/// <param name="Deviation">Standard deviation of the normal distribution; 0 for a constant.</param>
/// <param name="Mean">Its mean, or the constant.</param>
public readonly record struct InitialValue(float Deviation, float Mean)
{
    /// <summary>Normal with mean 0.</summary>
    public static InitialValue Normal(float deviation) => new(deviation, 0f);

    /// <summary>The same value everywhere.</summary>
    public static InitialValue Constant(float value) => new(0f, value);

    /// <summary>Fills <paramref name="span"/> with the values of the tensor called <paramref name="name"/>.</summary>
    /// <param name="device">The device that holds the tensor.</param>
    /// <param name="seed">The model's seed.</param>
    /// <param name="name">The tensor's full name, expert included.</param>
    /// <param name="span">Its elements.</param>
    public void Fill(IDevice device, ulong seed, string name, DeviceSpan<float> span)
    {
        if (Deviation == 0f)
        {
            device.Fill(span, Mean);
            return;
        }

        if (!device.Computes)
        {
            return;
        }

        ulong key = CounterRandom.Mix(seed ^ CounterRandom.Hash(Encoding.UTF8.GetBytes(name)));
        float[] values = new float[span.Length];
        for (int i = 0; i < values.Length; i += 2)
        {
            (double a, double b) = CounterRandom.NormalPair(key, (ulong)i);
            values[i] = (float)(Mean + Deviation * a);
            if (i + 1 < values.Length)
            {
                values[i + 1] = (float)(Mean + Deviation * b);
            }
        }

        device.Write(values, span);
    }
}

namespace MoEActors.Modules.Layers;

/// <summary>
/// Cosines and sines of the rotary embedding (Su et al., arXiv 2104.09864) in the form that rotates the two halves of a head:
/// angle(position, i) = position · θ^(−2i/headDim).
/// </summary>
public sealed class RotaryTables : IDisposable
{
    private readonly DeviceBuffer _memory;

    /// <summary>Computes the tables in double and rounds once.</summary>
    public RotaryTables(IDevice device, int positions, int headDim, float theta)
    {
        int half = headDim / 2;
        float[] values = new float[2 * positions * half];
        for (int p = 0; p < positions && device.Computes; p++)
        {
            for (int i = 0; i < half; i++)
            {
                (double sine, double cosine) = Math.SinCos(p * Math.Pow(theta, -2.0 * i / headDim));
                values[p * half + i] = (float)cosine;
                values[(positions + p) * half + i] = (float)sine;
            }
        }

        _memory = device.Allocate(values.Length * sizeof(float));
        DeviceSpan<float> all = _memory.As<float>();
        device.Write(values, all);
        Positions = positions;
        Cosines = new Matrix(all.Slice(0, positions * half), positions, half);
        Sines = new Matrix(all.Slice(positions * half, positions * half), positions, half);
    }

    /// <summary>Number of positions.</summary>
    public int Positions { get; }

    /// <summary>[positions, headDim/2].</summary>
    public Matrix Cosines { get; }

    /// <summary>[positions, headDim/2].</summary>
    public Matrix Sines { get; }

    /// <inheritdoc />
    public void Dispose() => _memory.Dispose();
}

using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.KindChecks;

/// <summary>A small device for a kind to compute on, whose memory can be poisoned, and numbers that follow from a seed.</summary>
/// <param name="seed">The seed.</param>
internal sealed class CheckBench(ulong seed) : IDisposable
{
    private const int ArenaBytes = 1 << 18;

    /// <summary>How far from its initial value a tensor is taken: nothing that begins at zero stays there.</summary>
    private const double Spread = 0.4;

    private readonly CpuDevice _device = new(threads: 1);
    private Arena? _arena;
    private Tape? _tape;
    private ulong _drawn;

    public IDevice Device => _device;

    public Tape Tape => _tape ??= new Tape(_device, Arena);

    private Arena Arena => _arena ??= new Arena(_device, ArenaBytes);

    /// <summary>Begins a pass.</summary>
    /// <param name="poison">What all memory of the tape holds; null to leave in it what there is.</param>
    public void Begin(float? poison)
    {
        Tape.Reset();
        if (poison is { } value)
        {
            // What was needed so far, and more: what is taken twice begins with what was there.
            long bytes = Math.Max(ArenaBytes, Arena.BytesHeld);
            Arena.Reserve(bytes);
            _device.Fill(Arena.Take<float>((int)(bytes / sizeof(float))), value);
            Arena.Reset();
        }
    }

    /// <summary>Numbers about 0, others with every call.</summary>
    public float[] Draw(int count, double scale = 1)
    {
        ulong key = CounterRandom.Derive(seed, ++_drawn);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)(scale * CounterRandom.NormalPair(key, 2 * (ulong)i).First);
        }

        return values;
    }

    /// <summary>A block of tensors near their initial values.</summary>
    public ParameterBlock Block(string prefix, IReadOnlyList<ParameterShape> layout)
    {
        var block = new ParameterBlock(_device, prefix, layout);
        block.Initialise(seed);
        foreach (Parameter parameter in block.Parameters)
        {
            float[] values = Read(parameter.Vector), moved = Draw(values.Length, Spread);
            _device.Write<float>([.. values.Zip(moved, (value, by) => value + by)], parameter.Vector);
        }

        return block;
    }

    public float[] Read(DeviceSpan<float> span)
    {
        float[] values = new float[span.Length];
        _device.Read(span, values);
        return values;
    }

    public Matrix Matrix(ReadOnlySpan<float> values, int columns)
    {
        Matrix matrix = Tape.NewMatrix(values.Length / columns, columns);
        _device.Write(values, matrix.Data);
        return matrix;
    }

    public void Dispose()
    {
        _arena?.Dispose();
        _device.Dispose();
    }
}

using System.Text;
using MoEActors.Native.Operations;

namespace MoEActors.Modules.Parameters;

/// <summary>One tensor of a layout: name, shape, and how it starts and decays.</summary>
/// <param name="Name">Name within its block, as in <c>layers.0.router</c>.</param>
/// <param name="Rows">Rows; 1 for a vector.</param>
/// <param name="Columns">Columns. Weights are [in, out].</param>
/// <param name="Initial">How the values start.</param>
/// <param name="Decays">Whether weight decay applies: matrices yes, norms and biases no.</param>
/// <param name="Trained">
/// Whether the optimizer moves it along its gradient. State that is not trained is kept, copied and saved with the others; its
/// owner decides what the memory of its gradient carries.
/// </param>
public sealed record ParameterShape(string Name, int Rows, int Columns, InitialValue Initial, bool Decays, bool Trained = true)
{
    /// <summary>
    /// Whether products take it (<see cref="Parameter.Operand"/>), rounded where the device rounds operands: what decays, unless it says otherwise. Routers and tables that
    /// are looked up in are none.
    /// </summary>
    public bool IsOperand { get; init; } = Decays;

    /// <summary>Where a tensor of an expert has the expert's hidden units: what <see cref="SlicedLayout"/> cuts. No expert need say it; one that does can be computed in slices.</summary>
    public HiddenAxis Hidden { get; init; }

    /// <summary>Matrices side by side along <see cref="Hidden"/>, each with all of the hidden units, as gate and up are one.</summary>
    public int HiddenGroups { get; init; } = 1;

    /// <summary>Number of elements.</summary>
    public int Count => checked(Rows * Columns);

    /// <summary>A weight [in, out] that starts as a normal of the given deviation.</summary>
    public static ParameterShape Weight(string name, int rows, int columns, float deviation) =>
        new(name, rows, columns, InitialValue.Normal(deviation), Decays: true);

    /// <summary>The scale of a norm, which starts at one and does not decay.</summary>
    public static ParameterShape Scale(string name, int columns) => new(name, 1, columns, InitialValue.Constant(1f), Decays: false);

    /// <summary>A bias, which starts at zero and does not decay.</summary>
    public static ParameterShape Bias(string name, int columns) => new(name, 1, columns, InitialValue.Constant(0f), Decays: false);

    /// <summary>State that starts at zero and that no gradient moves.</summary>
    public static ParameterShape State(string name, int columns) => Bias(name, columns) with { Trained = false };
}

/// <summary>The axis along which a tensor of an expert has the expert's hidden units.</summary>
public enum HiddenAxis
{
    /// <summary>It has none: it does not depend on their number.</summary>
    None = 0,

    /// <summary>A row each, as in the product behind the activation.</summary>
    Rows = 1,

    /// <summary>A column each, as in the product before the activation, and in its bias.</summary>
    Columns = 2,
}

/// <summary>Where the tensors of a block lie in each of its flat buffers.</summary>
internal sealed class BlockLayout
{
    /// <summary>Tensors start on cache lines.</summary>
    public const int AlignmentElements = 16;

    public BlockLayout(IReadOnlyList<ParameterShape> shapes)
    {
        Offsets = new long[shapes.Count];
        for (int i = 0; i < shapes.Count; i++)
        {
            Offsets[i] = Length;
            Length += (shapes[i].Count + AlignmentElements - 1L) / AlignmentElements * AlignmentElements;
        }
    }

    /// <summary>First element of each tensor.</summary>
    public long[] Offsets { get; }

    /// <summary>Elements, padding included.</summary>
    public long Length { get; }
}

/// <summary>
/// How a tensor starts. Random values come from a counter-based generator keyed by (seed, tensor name, element), never by
/// worker, so that any placement starts from the same bits.
/// </summary>
/// <param name="Deviation">Standard deviation of the normal distribution; 0 for a constant.</param>
/// <param name="Mean">Its mean, or the constant.</param>
public readonly record struct InitialValue(float Deviation, float Mean)
{
    /// <summary>Elements that one thread draws at a time; even, as they are drawn by twos.</summary>
    private const int Piece = 1 << 16;

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
        int pieces = (values.Length + Piece - 1) / Piece;
        if (pieces == 1)
        {
            Draw(key, values, 0);
        }
        else
        {
            // A number is a function of its place: who draws it does not matter, and a large model has billions.
            InitialValue initial = this;
            Parallel.For(0, pieces, piece => initial.Draw(key, values, piece * Piece));
        }

        device.Write(values, span);
    }

    private void Draw(ulong key, float[] values, int first)
    {
        int end = Math.Min(first + Piece, values.Length);
        for (int i = first; i < end; i += 2)
        {
            (double a, double b) = CounterRandom.NormalPair(key, (ulong)i);
            values[i] = (float)(Mean + Deviation * a);
            if (i + 1 < values.Length)
            {
                values[i + 1] = (float)(Mean + Deviation * b);
            }
        }
    }
}

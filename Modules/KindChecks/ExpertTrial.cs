using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.KindChecks;

/// <summary>Some experts of a kind over rows of two sources; one expert has none.</summary>
internal sealed class ExpertTrial : IDisposable
{
    private const int Sources = 2;

    /// <summary>Slices that an expert is cut into, of which not all are as wide.</summary>
    private const int MostSlices = 3;

    private readonly CheckBench _bench;
    private readonly IExpertKind _kind;
    private readonly ExpertBatch _batch = new();

    public ExpertTrial(IExpertKind kind, int dim, int hidden, ulong seed)
    {
        _kind = kind;
        _bench = new CheckBench(seed);
        Dim = dim;
        IReadOnlyList<ParameterShape> layout = kind.Layout(dim, hidden);
        Blocks = [.. Enumerable.Range(0, Segments.Length / Sources).Select(expert => _bench.Block($"experts.{expert}.", layout))];
        int rows = Segments.Sum();
        Input = _bench.Draw(rows * dim);
        OutputGradient = _bench.Draw(rows * dim);
    }

    /// <summary>[experts × sources].</summary>
    public static int[] Segments => [2, 1, 0, 0, 1, 1];

    public int Dim { get; }

    public ParameterBlock[] Blocks { get; }

    public float[] Input { get; }

    public float[] OutputGradient { get; }

    /// <summary>Forward and backward of all rows, or of others.</summary>
    /// <param name="before">What all memory that is to be written holds before.</param>
    /// <param name="accumulation">How outputs and gradients of the input are written.</param>
    /// <param name="segments">Rows by expert and source; those of <see cref="Segments"/> unless given.</param>
    /// <param name="experts">How many of the experts there are; all unless given.</param>
    public ExpertResult Run(float before, Accumulation accumulation = Accumulation.Store, int[]? segments = null, int? experts = null)
    {
        int[] lengths = segments ?? Segments;
        int elements = lengths.Sum() * Dim;
        _bench.Begin(accumulation == Accumulation.Store ? before : float.NaN);
        Matrix input = _bench.Matrix(Input.AsSpan(0, elements), Dim), output = Filled(elements, before);
        Forward(input, output, accumulation, lengths, Whole(experts ?? Blocks.Length));
        Matrix dOutput = _bench.Matrix(OutputGradient.AsSpan(0, elements), Dim), dInput = Filled(elements, before);
        foreach (ParameterBlock block in Blocks)
        {
            // A gradient that is stored may hold anything before; what is added to is zero in a step, or what came before.
            _bench.Device.Fill(block.Gradients, before);
            if (accumulation == Accumulation.Store)
            {
                block.BeginGradients();
            }
        }

        _batch.BeginBackward(dOutput, dInput, accumulation);
        _kind.Backward(_batch);
        _batch.EndBackward();
        return new ExpertResult(
            _bench.Read(output.Data), _bench.Read(dInput.Data),
            [.. Blocks.Select(block => block.Parameters.Select(parameter => _bench.Read(parameter.GradientVector)).ToArray())],
            _bench.Read(input.Data), _bench.Read(dOutput.Data));
    }

    /// <summary>Σ output·<see cref="OutputGradient"/>.</summary>
    public double? Loss()
    {
        _bench.Begin(poison: null);
        Matrix output = _bench.Tape.NewMatrix(Input.Length / Dim, Dim);
        Forward(_bench.Matrix(Input, Dim), output, Accumulation.Store, Segments, Whole(Blocks.Length));
        return _bench.Read(output.Data).Zip(OutputGradient, (y, dy) => (double)y * dy).Sum();
    }

    /// <summary>Outputs of the experts' slices, added up; null where the kind does not say how to cut an expert.</summary>
    public float[]? SumOfSlices()
    {
        ParameterShape[] layout = [.. Blocks[0].Parameters.Select(parameter => parameter.Shape)];
        int slices = Math.Min(MostSlices, SlicedLayout.UnitsOf(layout));
        if (slices < 2)
        {
            return null;
        }

        var sliced = new SlicedLayout(layout, slices);
        float[] sum = new float[Input.Length];
        for (int slice = 0; slice < slices; slice++)
        {
            _bench.Begin(float.NaN);
            int number = slice;
            Matrix output = Filled(Input.Length, float.NaN);
            Forward(_bench.Matrix(Input, Dim), output, Accumulation.Store, Segments, [.. Blocks.Select(block => Cut(sliced, block, number))]);
            sum = [.. sum.Zip(_bench.Read(output.Data), (total, part) => total + part)];
        }

        return sum;
    }

    public float[] Values(Parameter parameter) => _bench.Read(parameter.Vector);

    public void Write(Parameter parameter, float[] values) => _bench.Device.Write<float>(values, parameter.Vector);

    public void Dispose()
    {
        Array.ForEach(Blocks, block => block.Dispose());
        _bench.Dispose();
    }

    private IReadOnlyList<IReadOnlyList<Parameter>> Whole(int experts) => [.. Blocks.Take(experts).Select(block => block.Parameters)];

    private IReadOnlyList<Parameter> Cut(SlicedLayout sliced, ParameterBlock block, int slice)
    {
        DeviceSpan<float> values = _bench.Tape.Arena.Take<float>(sliced.SliceLength);
        sliced.Cut(_bench.Device, block.Parameters, slice, values);
        var part = new TransientBlock(_bench.Device, sliced.Slice);
        part.Bind(values, _bench.Tape.Arena);
        return part.Parameters;
    }

    private void Forward(in Matrix input, in Matrix output, Accumulation accumulation, int[] segments, IReadOnlyList<IReadOnlyList<Parameter>> experts)
    {
        _batch.Begin(_bench.Tape, experts, segments.AsSpan(0, experts.Count * Sources), Sources, input, output, accumulation);
        _kind.Forward(_batch);
    }

    private Matrix Filled(int elements, float value)
    {
        Matrix matrix = _bench.Tape.NewMatrix(elements / Dim, Dim);
        _bench.Device.Fill(matrix.Data, value);
        return matrix;
    }
}

/// <summary>What a run of experts left.</summary>
/// <param name="Output">[rows, dim].</param>
/// <param name="InputGradient">[rows, dim].</param>
/// <param name="Gradients">By expert and tensor.</param>
/// <param name="Input">[rows, dim] as it is afterwards.</param>
/// <param name="OutputGradient">[rows, dim] as it is afterwards.</param>
internal sealed record ExpertResult(
    float[] Output, float[] InputGradient, float[][][] Gradients, float[] Input, float[] OutputGradient);

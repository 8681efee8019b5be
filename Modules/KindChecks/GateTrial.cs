using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.KindChecks;

/// <summary>A gate of a kind over some rows, of which two are padding.</summary>
internal sealed class GateTrial : IDisposable
{
    private const int Dim = 6;
    private const float AuxiliaryScale = 0.5f;

    private readonly CheckBench _bench;
    private float[] _dWeights = [];

    public GateTrial(IGateKind kind, GateOptions options, ulong seed)
    {
        _bench = new CheckBench(seed);
        Block = _bench.Block("", kind.Layout(options, Dim, Experts));
        Gate = kind.Create(options, name => Block[name]);
        Input = _bench.Draw(Valid.Length * Dim);
    }

    /// <summary>Experts of the layer: as many as no other number here.</summary>
    public static int Experts => 5;

    /// <summary>1 for a token, 0 for padding.</summary>
    public static int[] Valid => [1, 1, 1, 0, 1, 1, 1, 0, 1];

    public IGate Gate { get; }

    public ParameterBlock Block { get; }

    public float[] Input { get; }

    private Routing Routing => Gate.Routing;

    /// <summary>Forward and backward.</summary>
    /// <param name="poison">What the tape's memory holds before.</param>
    /// <param name="before">What gradients hold before; they are added to.</param>
    /// <param name="key">Key of random numbers; null for none.</param>
    /// <param name="valid">By row whether it is a token; those of <see cref="Valid"/> unless given.</param>
    public GateResult Run(float poison, float before = 0, ulong? key = null, int[]? valid = null)
    {
        Tensor x = Forward(poison, key, valid ?? Valid);
        GateResult forward = new(
            Read(Routing.Choices), [.. Read(Routing.Kept).Select(kept => kept != 0)], Routing.K, Routing.Rows, _bench.Read(Routing.Weights), [], []);
        if (_dWeights.Length < forward.Weights.Length)
        {
            _dWeights = _bench.Draw(forward.Weights.Length);
        }

        // The layer has written the gradient of the tokens by then, and other layers those of the tensors.
        Matrix dx = _bench.Tape.GradientToWrite(x, out _);
        _bench.Device.Fill(dx.Data, before);
        _bench.Device.Fill(Block.Gradients, before);
        DeviceSpan<float> dWeights = _bench.Tape.Arena.Take<float>(forward.Weights.Length);
        _bench.Device.Write(_dWeights.AsSpan(0, dWeights.Length), dWeights);
        Gate.Backward(_bench.Tape, dWeights);
        return forward with
        {
            InputGradient = _bench.Read(dx.Data),
            Gradients = [.. Block.Parameters.Select(parameter => _bench.Read(parameter.GradientVector))],
        };
    }

    /// <summary>What the gate's gradients are of; null where other experts are chosen than before, which no gradient knows.</summary>
    /// <param name="expected">The choices.</param>
    public double? Loss(int[] expected)
    {
        Forward(poison: null, key: null, Valid);
        return Read(Routing.Choices).SequenceEqual(expected)
            ? _bench.Read(Routing.Weights).Zip(_dWeights, (weight, by) => (double)weight * by).Sum() + AuxiliaryScale * Routing.AuxiliaryLoss
            : null;
    }

    /// <summary>Ends a step whose gradients are those of the last run.</summary>
    /// <returns>The tensors afterwards.</returns>
    public float[] EndStep()
    {
        Gate.EndStep(_bench.Device, Block.Gradients);
        return _bench.Read(Block.Values);
    }

    public float[] Values(Parameter parameter) => _bench.Read(parameter.Vector);

    public void Write(Parameter parameter, float[] values) => _bench.Device.Write<float>(values, parameter.Vector);

    public void Dispose()
    {
        Block.Dispose();
        _bench.Dispose();
    }

    private Tensor Forward(float? poison, ulong? key, int[] valid)
    {
        _bench.Begin(poison);
        Tensor x = _bench.Tape.Create(valid.Length, Dim);
        _bench.Device.Write(Input.AsSpan(0, valid.Length * Dim), x.Value.Data);
        DeviceSpan<int> mask = _bench.Tape.Arena.Take<int>(valid.Length);
        _bench.Device.Write<int>(valid, mask);
        Gate.Forward(_bench.Tape, x, new RoutingContext(mask, valid.Sum(), AuxiliaryScale, key));
        Routing.ReadStatistics(_bench.Device);
        return x;
    }

    private int[] Read(DeviceSpan<int> numbers)
    {
        int[] read = new int[numbers.Length];
        _bench.Device.Read(numbers, read);
        return read;
    }
}

/// <summary>What a run of a gate left.</summary>
/// <param name="Choices">[rows, k] experts.</param>
/// <param name="Kept">[rows, k] whether the choice found a slot.</param>
/// <param name="K">Places for experts in a row.</param>
/// <param name="Rows">Rows that were routed.</param>
/// <param name="Weights">[rows, k].</param>
/// <param name="InputGradient">[rows, dim].</param>
/// <param name="Gradients">By tensor.</param>
internal sealed record GateResult(
    int[] Choices, bool[] Kept, int K, int Rows, float[] Weights, float[] InputGradient, float[][] Gradients)
{
    /// <summary>The experts of a row.</summary>
    public int[] Row(int row) => [.. Choices.Skip(row * K).Take(K).Where(expert => expert != -1)];
}

using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Planners;
using MoEActors.Workers.Exchange;

namespace MoEActors.Benchmarks;

/// <summary>One worker of the layer benchmark: its micro-batch, its experts, and the production layer between them.</summary>
internal sealed class LayerWorker : IDisposable
{
    private const ulong Seed = 1;

    private readonly IDevice _device;
    private readonly Arena _arena;
    private readonly Tape _tape;
    private readonly LayerWire _wire;
    private readonly Arena _kept;
    private readonly ParameterBlock _dense;
    private readonly ParameterBlock[] _experts;
    private readonly MoELayer _layer;
    private readonly DeviceBuffer _input;
    private readonly DeviceBuffer _gradient;
    private readonly int _rows;
    private readonly int _columns;

    /// <summary>Makes a worker on a device, which it disposes of.</summary>
    public LayerWorker(LayerShape shape, ICommunicator communicator, IDevice device)
    {
        _device = device;
        int workers = communicator.Size;
        int rank = communicator.Rank;
        _arena = new Arena(_device);
        _tape = new Tape(_device, _arena);
        _kept = new Arena(_device);
        _rows = shape.Tokens / workers;
        _columns = shape.ModelDimension;
        int[] ranks = [.. Enumerable.Range(0, shape.Experts).Select(expert => StaticPlanner.RankOf(expert, shape.Experts, workers))];
        _dense = new ParameterBlock(_device, "", [ParameterShape.Weight("router", _columns, shape.Experts, 1f / MathF.Sqrt(_columns))]);
        _dense.Initialise(Seed);
        IExpertKind kind = ModelKinds.BuiltIn.Experts.Get("gelu");
        _experts =
        [
            .. Enumerable.Range(0, shape.Experts).Where(expert => ranks[expert] == rank)
                .Select(expert => new ParameterBlock(_device, $"experts.{expert}.", kind.Layout(_columns, shape.Hidden))),
        ];
        foreach (ParameterBlock block in _experts)
        {
            block.Initialise(Seed);
        }

        _wire = new LayerWire(
            _device, communicator, LayerPlacement.OfSingles(workers, ranks), kind.Layout(_columns, shape.Hidden), _experts, reproducible: true, _kept);
        _layer = new MoELayer(
            kind, new TopKGate(new GateOptions { TopK = shape.TopK }, _dense["router"]), _wire, new MoELayerParameters());
        _input = Random($"input.{rank}", 1f);
        _gradient = Random($"gradient.{rank}", 1f / _rows);
    }

    /// <summary>Sets what travels from the next step on.</summary>
    public void Use(ParallelismChoice parallelism) => _wire.Use(parallelism);

    /// <summary>Bytes that went to other workers since the last call.</summary>
    public long TakeSentBytes() => _wire.TakeSent().Bytes;

    /// <summary>
    /// Forward and backward: the gradients of input, router and experts. Gradients of parameters are added to what is there, as those of a step's
    /// micro-batches are; clearing them belongs to the update and is not part of this.
    /// </summary>
    public void Step()
    {
        _tape.Reset();
        Tensor x = _tape.Create(_rows, _columns);
        _device.Copy(_input.As<float>().Slice(0, x.Value.Data.Length), x.Value.Data);
        Tensor zero = _tape.Create(_rows, _columns);
        _device.Fill(zero.Value.Data, 0f);
        Tensor y = _layer.Forward(_tape, x, zero, new RoutingContext(DeviceSpan<int>.Empty, _rows, 1f));
        _tape.Seed(y, new Matrix(_gradient.As<float>(), _rows, _columns));
        _tape.Backward();
    }

    public void Dispose()
    {
        _wire.Dispose();
        _kept.Dispose();
        _dense.Dispose();
        Array.ForEach(_experts, block => block.Dispose());
        _input.Dispose();
        _gradient.Dispose();
        _arena.Dispose();
        _device.Dispose();
    }

    private DeviceBuffer Random(string name, float deviation)
    {
        DeviceBuffer buffer = _device.Allocate(sizeof(float) * (long)_rows * _columns);
        InitialValue.Normal(deviation).Fill(_device, Seed, name, buffer.As<float>());
        return buffer;
    }
}

using MoEActors.Modules.Autograd;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Tests.Native.Kernels;

namespace MoEActors.Tests.Gates;

/// <summary>A gate of production over random tensors, run on one device.</summary>
internal sealed class GateRun : IDisposable
{
    private readonly CpuDevice _device = new();
    private readonly Arena _arena;
    private readonly Tape _tape;
    private readonly ParameterBlock _block;
    private readonly float[] _x;

    public GateRun(GateCase gate, int seed)
    {
        var random = new Random(seed);
        _arena = new Arena(_device);
        _tape = new Tape(_device, _arena);
        IGateKind kind = ModelKinds.BuiltIn.Gates.Get(gate.Options.Kind);
        _block = new ParameterBlock(_device, "", kind.Layout(gate.Options, GateCase.Dim, GateCase.Experts));
        foreach (Parameter parameter in _block.Parameters)
        {
            // Large enough for probabilities that differ, except for the bias: that is as scores are.
            double scale = parameter.Shape.Name == "router_bias" ? 0.1 : 0.5;
            _device.Write<float>(Values.Vector(random, parameter.Shape.Count, scale), parameter.Vector);
        }

        _x = Values.Vector(random, GateCase.Rows * GateCase.Dim);
        Gate = kind.Create(gate.Options, name => _block[name]);
    }

    public IGate Gate { get; }

    public Tensor X { get; private set; }

    /// <summary>The values of a tensor.</summary>
    public DeviceSpan<float> Parameter(string name) => _block[name].Vector;

    /// <summary>The tensors and x, in double.</summary>
    public Dictionary<string, double[]> Tensors()
    {
        Dictionary<string, double[]> tensors = _block.Parameters.ToDictionary(
            parameter => parameter.Shape.Name, parameter => Values.Doubles(parameter.Vector.AsSpan()));
        tensors.Add("x", Values.Doubles(_x));
        return tensors;
    }

    public Routing Forward(GateCase gate)
    {
        _tape.Reset();
        _block.ClearGradients();
        X = _tape.Create(GateCase.Rows, GateCase.Dim);
        _device.Write<float>(_x, X.Value.Data);
        DeviceSpan<int> valid = _arena.Take<int>(gate.Padding > 0 ? GateCase.Rows : 0);
        _device.Write<int>(gate.Valid.AsSpan(0, valid.Length), valid);
        Gate.Forward(_tape, X, new RoutingContext(valid, gate.Valid.Sum(), GateCase.AuxiliaryScale, gate.RandomKey));
        Gate.Routing.ReadStatistics(_device);
        return Gate.Routing;
    }

    /// <summary>Backward from gradients [rows, k] of the weights.</summary>
    public void Backward(ReadOnlySpan<float> dWeights)
    {
        DeviceSpan<float> gradient = _arena.Take<float>(dWeights.Length);
        _device.Write(dWeights, gradient);
        Gate.Backward(_tape, gradient);
    }

    public void EndStep() => Gate.EndStep(_device, _block.Gradients);

    /// <summary>After <see cref="Backward"/>: the gradients by name, of x too.</summary>
    public Dictionary<string, float[]> Gradients()
    {
        Dictionary<string, float[]> gradients = _block.Parameters.ToDictionary(
            parameter => parameter.Shape.Name, parameter => parameter.GradientVector.AsSpan().ToArray());
        gradients.Add("x", _tape.Gradient(X).Data.AsSpan().ToArray());
        return gradients;
    }

    public void Dispose()
    {
        _block.Dispose();
        _arena.Dispose();
        _device.Dispose();
    }
}

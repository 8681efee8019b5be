using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Kinds;

/// <summary>Parts of weight gradients that are kept apart and added afterwards make the gradient that adding at once makes.</summary>
public sealed class GradientPartsTests
{
    private const int Sources = 3, Dim = 12, Hidden = 20;

    /// <summary>[experts × sources] rows.</summary>
    private static readonly int[] Rows = [3, 2, 4, 5, 0, 1, 0, 6, 2];

    /// <summary>By expert: segments that are added at once.</summary>
    private static readonly int[] Added = [1, 0, 3];

    [Theory]
    [InlineData("gelu", 0)]
    [InlineData("swiglu", 0)]
    [InlineData("spare-1", 0)]
    [InlineData("spare-2", 1e-5)]
    public void They_may_lie_in_memory_that_holds_anything(string name, double tolerance)
    {
        IExpertKind kind = new IExpertKind[] { new GeluExpert(), new SwiGluExpert(), new SpareTensorExpert(1), new SpareTensorExpert(2) }.Single(one => one.Name == name);
        float[][] expected = Gradients(kind, apart: false);
        float[][] found = Gradients(kind, apart: true);
        Assert.Contains(expected[0], value => value != 0);
        for (int e = 0; e < expected.Length; e++)
        {
            Assert.All(expected[e].Zip(found[e]), one => Assert.InRange(one.Second - one.First, -tolerance, tolerance));
        }
    }

    private static float[][] Gradients(IExpertKind kind, bool apart)
    {
        using var device = new CpuDevice();
        using var arena = new Arena(device);
        var tape = new Tape(device, arena) { Recording = false };
        tape.Reset();
        ParameterBlock[] blocks = [.. Enumerable.Range(0, Added.Length).Select(e => new ParameterBlock(device, $"{e}.", kind.Layout(Dim, Hidden)))];
        Array.ForEach(blocks, block => block.Initialise(7));
        var parts = new Parts(tape, blocks[0].Values.Length);
        Matrix input = Random(tape, 1), outputGradient = Random(tape, 2);
        var batch = new ExpertBatch();
        batch.Begin(
            tape, [.. blocks.Select(block => block.Parameters)], Rows, Sources, input, tape.NewMatrix(input.Rows, Dim), Accumulation.Store,
            apart ? parts : null);
        kind.Forward(batch);
        batch.BeginBackward(outputGradient, tape.NewMatrix(input.Rows, Dim), Accumulation.Store);
        kind.Backward(batch);
        batch.EndBackward();
        for (int e = 0; apart && e < blocks.Length; e++)
        {
            parts.AddTo(blocks[e], e);
        }

        float[][] gradients = [.. blocks.Select(block => block.Gradients.AsSpan().ToArray())];
        Array.ForEach(blocks, block => block.Dispose());
        return gradients;
    }

    private static Matrix Random(Tape tape, int seed)
    {
        var random = new Random(seed);
        Matrix matrix = tape.NewMatrix(Rows.Sum(), Dim);
        foreach (ref float value in matrix.Data.AsSpan())
        {
            value = random.NextSingle() - 0.5f;
        }

        return matrix;
    }

    private sealed class Parts(Tape tape, int length) : IGradientParts
    {
        private readonly Dictionary<(int Expert, int Segment), DeviceSpan<float>> _parts = [];

        public void Begin()
        {
            for (int i = 0; i < Rows.Length; i++)
            {
                DeviceSpan<float> part = tape.Arena.Take<float>(length);
                part.AsSpan().Fill(float.NaN);
                _parts.Add((i / Sources, i % Sources), part);
            }
        }

        public int AddedSegments(int expert) => Added[expert];

        public DeviceSpan<float> PartOf(int expert, int segment) => _parts[(expert, segment)];

        public void End()
        {
        }

        public void AddTo(ParameterBlock block, int expert)
        {
            for (int segment = Added[expert]; segment < Sources; segment++)
            {
                foreach (Parameter parameter in block.Parameters.Where(_ => Rows[expert * Sources + segment] > 0))
                {
                    tape.Device.Add(PartOf(expert, segment).Slice(parameter.Offset, parameter.Shape.Count), parameter.GradientVector);
                }
            }
        }
    }
}

using MoEActors.Examples;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;
using MoEActors.Native;
using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Memory;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Kinds;

/// <summary>The library's experts and the one that the docs show compute with whatever elements a device multiplies.</summary>
[Collection(CudaCollection.Name)]
public sealed class RoundedExpertTests
{
    private const int Dim = 24;

    private const double Tolerance = 2e-2;

    private static readonly int[] Rows = [5, 0, 17];

    private static readonly IExpertKind[] Kinds = [new SwiGluExpert(), new GeluExpert(), new SquaredReluExpert()];

    public static TheoryData<string, int> Cases => new(Kinds.SelectMany(kind => new[] { (kind.Name, 40), (kind.Name, 1) }));

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_expert_with_rounded_operands_is_near_the_one_without(string name, int hidden)
    {
        using var watch = new CudaWatch();
        IExpertKind kind = Kinds.Single(one => one.Name == name);
        using var cpu = new CpuDevice();
        float[][] expected = Run(kind, hidden, cpu);
        using (var gpu = new CudaDevice(CudaGpu.Get(0), CudaPrecision.BF16))
        {
            foreach ((float[] right, float[] found) in expected.Zip(Run(kind, hidden, gpu)))
            {
                double off = Math.Sqrt(right.Zip(found, (x, y) => (double)(x - y) * (x - y)).Sum()), length = Math.Sqrt(right.Sum(x => (double)x * x));
                Assert.InRange(off, length * 1e-5, length * Tolerance);
            }
        }
    }

    /// <summary>Output, gradient of the input, and the gradients of both experts with rows.</summary>
    private static float[][] Run(IExpertKind kind, int hidden, IDevice device)
    {
        using var arena = new Arena(device);
        var tape = new Tape(device, arena) { Recording = false };
        ParameterBlock[] blocks = [.. Rows.Select((_, e) => new ParameterBlock(device, $"{e}.", kind.Layout(Dim, hidden)))];
        Array.ForEach(blocks, block => block.Initialise(7));
        var batch = new ExpertBatch();
        int rows = Rows.Sum();
        Matrix output = tape.NewOperand(rows, Dim), inputGradient = tape.NewOperand(rows, Dim);
        batch.Begin(tape, [.. blocks.Select(block => block.Parameters)], Rows, sources: 1, Normal(tape, rows, 1), output, Accumulation.Store);
        kind.Forward(batch);
        batch.BeginBackward(Normal(tape, rows, 2), inputGradient, Accumulation.Store);
        kind.Backward(batch);
        batch.EndBackward();
        float[][] results = [Widened(tape, output), Widened(tape, inputGradient), device.ToArray(blocks[0].Gradients), device.ToArray(blocks[2].Gradients)];
        Array.ForEach(blocks, block => block.Dispose());
        return results;
    }

    private static Matrix Normal(Tape tape, int rows, ulong seed)
    {
        Matrix matrix = tape.NewMatrix(rows, Dim);
        tape.Device.Fill(matrix.Data, 0f);
        tape.Device.AddNormal(matrix, seed, 1f);
        return tape.Operand(matrix);
    }

    private static float[] Widened(Tape tape, in Matrix matrix)
    {
        Matrix wide = tape.NewMatrix(matrix.Rows, matrix.Columns);
        tape.Device.Convert(matrix, wide);
        return tape.Device.ToArray(wide.Data);
    }
}

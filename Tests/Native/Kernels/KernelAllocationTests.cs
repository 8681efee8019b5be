using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>Between two steps nothing may be left for the garbage collector.</summary>
public class KernelAllocationTests
{
    public static TheoryData<string> Operations => KernelContractTests.Operations;

    [Theory]
    [MemberData(nameof(Operations))]
    public void Row_wise_operations_allocate_nothing_once_warm(string name)
    {
        using var operands = new RowCase(1, 0, 256, 200, new RowLayout(2, 0, 0));
        AssertAllocatesNothing(() => RowOperations.All[name](operands));
    }

    [Fact]
    public void Sums_and_updates_allocate_nothing_once_warm()
    {
        const int Rows = 500, Columns = 200;
        using var memory = new KernelMemory(threads: 2);
        Matrix x = memory.Matrix(new float[Rows, Columns]);
        DeviceSpan<float> weight = memory.Span(new float[Columns]), r = memory.Span(new float[Rows]);
        DeviceSpan<int> ids = memory.Integers(new int[Rows]);
        DeviceSpan<int> slots = memory.Integers([.. Enumerable.Range(0, Rows)]);
        DeviceSpan<double> sum = memory.Number();
        var update = new AdamWUpdate(0.1f, 0.9f, 0.99f, 1e-8f, 0, 1, 1);
        AssertAllocatesNothing(() =>
        {
            memory.Device.Add(x.Data, x.Data);
            memory.Device.RmsNormWeightGradient(x, r, x, weight);
            memory.Device.AddScoreSums(x, default, true, weight);
            memory.Device.AddSmoothLoad(x, x, ids, 1, 0.1f, weight);
            memory.Device.TopRows(x, default, 1, ids.Slice(0, Columns));
            memory.Device.AddNormal(x, 1, 0.1f);
            memory.Device.MultiplyUniform(x, 1, 0.1f, x, Accumulation.Store);
            memory.Device.Scale(x.Data, 0.5f);
            ids.AsSpan().Clear();
            memory.Device.EmbeddingGradient(ids, x, x);
            memory.Device.CombineRowsGradient(x, x, slots, 1, r, x, r);
            memory.Device.AdamW(update, x.Data, x.Data, x.Data, x.Data);
            memory.Device.SumOfSquares(x.Data, sum);
        });
    }

    /// <summary>The first calls warm up: scratch is taken, and the runtime makes what a thread needs for its first wait.</summary>
    private static void AssertAllocatesNothing(Action operation)
    {
        long least = long.MaxValue;
        for (int call = 0; call < 10 && least > 0; call++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            operation();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}

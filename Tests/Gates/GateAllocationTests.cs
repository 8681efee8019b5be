using MoEActors.Modules.Gates;
using MoEActors.Tests.Native.Kernels;

namespace MoEActors.Tests.Gates;

/// <summary>Forward and backward of every gate leave nothing to the garbage collector.</summary>
public class GateAllocationTests
{
    public static TheoryData<string> Cases => GateReferenceTests.Cases;

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_warm_gate_allocates_nothing(string name)
    {
        GateCase gate = GateCase.All[name];
        using var run = new GateRun(gate, 1);
        float[] dWeights = Values.Vector(new Random(1), GateCase.Rows * GateCase.Experts);
        _ = gate.Valid;
        long least = long.MaxValue;
        for (int round = 0; round < 6 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Routing routing = run.Forward(gate);
            run.Backward(dWeights.AsSpan(0, routing.Rows * routing.K));
            run.EndStep();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}

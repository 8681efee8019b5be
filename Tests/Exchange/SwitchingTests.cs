using MoEActors.Benchmarks;
using MoEActors.Native.Cpu;
using MoEActors.Placement.Parallelism;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Exchange;

/// <summary>A layer that runs in another way than in the step before pays nothing for the change.</summary>
public sealed class SwitchingTests
{
    private const int Workers = 4, WarmRounds = 4;

    [Fact]
    public void Forward_and_backward_allocate_nothing_once_every_way_has_been_gone()
    {
        var shape = new LayerShape(Tokens: 96, ModelDimension: 8, Hidden: 10, Experts: 6, TopK: 2);
        long[] allocated = WorkerGroup.Run(Workers, communicator =>
        {
            using var worker = new LayerWorker(shape, communicator, new CpuDevice(threads: 1));
            long before = 0;
            for (int round = 0; round <= WarmRounds; round++)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
                for (int slices = 0; slices <= Workers; slices++)
                {
                    worker.Use(ParallelismChoice.Sliced(slices));
                    worker.Step();
                }
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        Assert.All(allocated, bytes => Assert.Equal(0, bytes));
    }
}

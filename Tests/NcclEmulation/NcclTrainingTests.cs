using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Client;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Nccl;
using MoEActors.Placement.Map;
using MoEActors.Silo.Embedded;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Support;
using MoEActors.Tests.Training;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>Silos with GPUs that reach each other by NCCL alone train to the same bits as silos that copy from each other's memory, and outlive each other.</summary>
[Collection(CudaCollection.Name)]
public sealed class NcclTrainingTests : IDisposable
{
    private const int Steps = 8;

    internal static readonly RunConfiguration Run = GpuTrainingTests.Run with
    {
        Model = GpuTrainingTests.Run.Model with { Gate = new GateOptions { TopK = 2 } },
        Optimizer = GpuTrainingTests.Run.Optimizer with { TotalSteps = Steps },
    };

    private readonly int _living = Before();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Assert.Equal(_living, EmulatedNccl.Living);
        Assert.Equal("", EmulatedCuda.Log);
        EmulatedCuda.SeekRaces(true);
    }

    [Theory, InlineData(2), InlineData(3)]
    public async Task Training_by_NCCL_gives_the_bits_of_training_by_copies_while_experts_move(int silos)
    {
        double[] expected = await TrainAsync(silos, byNccl: false);
        EmulatedNccl.Plant(1, NcclFault.None);
        Assert.Equal(expected, await TrainAsync(silos, byNccl: true));
        Assert.True(EmulatedNccl.Count(1, NcclCount.Bytes) > 0, "Nothing came by NCCL.");

        static async Task<double[]> TrainAsync(int silos, bool byNccl)
        {
            await using EmbeddedCluster cluster = await StartAsync(silos, byNccl);
            MoEModel model = await cluster.Client.CreateModelAsync("m", Run, cancellationToken: Cancellation);
            return await TrainOnAsync(model, Steps, async step =>
            {
                if (step is 3 or 5)
                {
                    // An expert's state travels over a communicator of its own.
                    await model.MoveExpertAsync(layer: 0, expert: 0, rank: step == 3 ? 1 : 0, Cancellation);
                }

                if (step == 6)
                {
                    await model.ConfigureParallelismAsync(LayerParallelism.Data, 1, Cancellation);
                }
            });
        }
    }

    [Fact]
    public async Task A_view_whose_GPUs_were_interrupted_is_opened_anew_and_loses_nothing()
    {
        double[] expected = await UndisturbedAsync(silos: 2, Steps);
        await using EmbeddedCluster cluster = await StartAsync(2, byNccl: true);
        MoEModel model = await cluster.Client.CreateModelAsync("m", Run, cancellationToken: Cancellation);
        double[] losses = await TrainOnAsync(model, Steps, step =>
        {
            if (step is 2 or 5)
            {
                WorkerHost host = cluster.Silos.Silos.Single(silo => silo.Index == step % 2).Services.GetRequiredService<WorkerHost>();
                Enumerable.Range(0, 2).Select(rank => host.ModelAt("m", rank)).First(worker => worker is not null)!.Interrupt(new InvalidOperationException("the device burned"));
            }

            return Task.CompletedTask;
        });
        Assert.Equal(expected, losses);
        Assert.Equal(3, (await model.GetStatusAsync(Cancellation)).View);
    }

    /// <summary>The losses of silos that copy from each other's memory, and to which nothing happens.</summary>
    internal static async Task<double[]> UndisturbedAsync(int silos, int steps)
    {
        await using EmbeddedCluster cluster = await StartAsync(silos, byNccl: false);
        return await TrainOnAsync(await cluster.Client.CreateModelAsync("m", Run, cancellationToken: Cancellation), steps, _ => Task.CompletedTask);
    }

    /// <summary>Trains for some steps, and does something after each.</summary>
    internal static async Task<double[]> TrainOnAsync(MoEModel model, int steps, Func<int, Task> after)
    {
        double[] losses = new double[steps];
        for (int step = 1; step <= steps; step++)
        {
            losses[step - 1] = (await model.TrainStepAsync(TrainingRuns.Batch(Run, 1 + step % 3), Cancellation)).Loss;
            await after(step);
        }

        return losses;
    }

    private static int Before()
    {
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        EmulatedCuda.SeekRaces(false);
        return EmulatedNccl.Living;
    }

    private static Task<EmbeddedCluster> StartAsync(int silos, bool byNccl) => ClusterStarts.EmbeddedAsync(
        new EmbeddedClusterOptions
        {
            Silos = silos,
            Device = "cuda:" + string.Join(',', Enumerable.Range(0, silos).Select(rank => EmulatedNccl.GpuOf(rank).Ordinal)),
            SnapshotInterval = 0,
            MemoryPerWorker = 1 << 28,
            Configure = byNccl ? ReachByNccl : null,
        },
        Cancellation);

    private static void ReachByNccl(int index, ISiloBuilder silo)
    {
        silo.Services.AddSingleton(_ => new TcpCommunicatorProvider(new TcpOptions { Secret = "a secret of silos in a test" }));
        silo.Services.Replace(ServiceDescriptor.Singleton<ICommunicatorProvider>(
            services => new NcclCommunicatorProvider(services.GetRequiredService<TcpCommunicatorProvider>())));
    }
}

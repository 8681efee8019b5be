using MoEActors.Client;
using MoEActors.Client.Connections;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Processes;

namespace MoEActors.Tests.NcclEmulation;

/// <summary>Silos that are processes, each with a GPU of its own, as `moe silo` has them: NCCL goes from process to process.</summary>
[Collection(CudaCollection.Name)]
public sealed class NcclProcessTests(Store store) : IClassFixture<Store>
{
    private const int Steps = 6;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silos_with_GPUs_train_by_NCCL_from_process_to_process_and_outlive_one_of_them()
    {
        double[] expected = await NcclTrainingTests.UndisturbedAsync(silos: 2, Steps);
        using var folder = new TemporaryFolder();
        using SiloProcess one = await StartAsync("one", 0, folder).IsActiveAsync(), two = await StartAsync("two", 1, folder).IsActiveAsync();
        await using MoECluster cluster = await MoECluster.ConnectAsync(
            new ConnectOptions { Redis = store.Redis.Address, Secret = MoeProcess.Secret }, cancellationToken: Cancellation);
        MoEModel model = await cluster.CreateModelAsync("m", NcclTrainingTests.Run, null, Cancellation);
        double[] losses = await NcclTrainingTests.TrainOnAsync(model, Steps, async step =>
        {
            if (step == 2)
            {
                await model.MoveExpertAsync(layer: 0, expert: 0, rank: 1, Cancellation);
                Assert.Equal(["one", "two"], (await model.GetStatusAsync(Cancellation)).SiloNames.Order());
            }

            if (step == 4)
            {
                // That is where ranks of several processes meet.
                Assert.NotEmpty(Directory.GetDirectories(folder.Path, "moe-nccl-*"));
                two.Process.Signal("KILL");
                await two.Process.EndAsync();
            }
        });
        Assert.Equal(expected, losses);
        Assert.Equal(["one"], (await model.GetStatusAsync(Cancellation)).SiloNames);
    }

    private SiloProcess StartAsync(string name, int rank, TemporaryFolder folder) => MoeProcess.StartSilo(
        store.Redis.Address, name,
        new Dictionary<string, string>
        {
            ["MOE_SECRET"] = MoeProcess.Secret,
            ["MOE_EMULATION_RACES"] = "0",
            ["MOE_EMULATION_SHARED"] = folder.Path,
        },
        more:
        [
            "--device", $"cuda:{EmulatedNccl.GpuOf(rank).Ordinal}", "--checkpoint-root", folder.Path, "--snapshot-interval", "2", "--memory-per-device", $"{1 << 28}",
        ]);
}

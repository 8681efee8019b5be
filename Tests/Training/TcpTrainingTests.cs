using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MoEActors.Cli.Chaos.Relays;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Training;

/// <summary>Silos that reach each other over TCP train to the same bits as silos that share memory.</summary>
public sealed class TcpTrainingTests
{
    private const int Steps = 8;

    private static readonly RunConfiguration Run = TrainingRuns.With("swiglu", new GateOptions { TopK = 2 });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2, 1)]
    [InlineData(1, 1, 1, 1)]
    public async Task Training_over_TCP_gives_the_bits_of_training_in_one_process(params int[] devices)
    {
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        await using TrainingCluster cluster = await RentAsync(devices);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        TrainingTrace begin = await TrainingTrace.OfAsync(model, Steps / 2);

        // An expert's state travels over a communicator of its own, from host to host.
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        await model.MoveExpertAsync(0, 0, (status.Map!.RanksOf(0)[0] + 1) % devices.Sum(), Cancellation);
        await model.ConfigureParallelismAsync(LayerParallelism.Data, 2, Cancellation);
        TrainingTrace end = await TrainingTrace.OfAsync(model, Steps - Steps / 2);
        expected.AssertSame(new TrainingTrace([.. begin.Losses, .. end.Losses], [.. begin.Norms, .. end.Norms], end.Fingerprint), "over TCP");
        Assert.All(Providers(cluster), provider => Assert.True(provider.Counters.Accepted > 0 || provider == Providers(cluster)[^1]));
    }

    [Fact]
    public async Task A_data_plane_that_fails_is_opened_anew_and_training_goes_on()
    {
        await using TrainingCluster cluster = await RentAsync(1, 2, 1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, 2);
        StepOutcome first = await model.TrainStepAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        cluster.Host(1).ModelAt(cluster["m"], 1)!.Interrupt(new InvalidOperationException("the device burned"));
        StepOutcome second = await model.TrainStepAsync(TrainingRuns.Batch(Run, 2), Cancellation);
        Assert.Equal(expected.Losses, new[] { first.Loss, second.Loss });
        Assert.Equal(expected.Fingerprint, await model.FingerprintAsync(Cancellation));
        Assert.Equal(2, (await model.GetStatusAsync(Cancellation)).View);
    }

    /// <summary>It takes as long as silence must last before it counts as one, twice.</summary>
    [Fact]
    public async Task A_silo_that_the_others_cannot_send_rows_to_is_left_out_and_training_goes_on()
    {
        TrainingTrace expected = await TrainingTrace.UndisturbedAsync(Run, Steps);
        int port = Ports.Free(), behind = Ports.Free(), started = 0;
        var cut = new TaskCompletionSource();
        bool isCut = false;
        using var relay = new TcpRelay(port, behind, _ => default, (_, _) => isCut ? cut.Task : Task.CompletedTask);
        await using TrainingCluster cluster = await TrainingCluster.StartAsync(new ClusterShape(TrainingCluster.DevicesOf(3), configure: silo =>
        {
            var options = new TcpOptions { Secret = "a secret of silos in a test" };
            if (Interlocked.Increment(ref started) == 1)
            {
                (options.Listen, options.Advertise) = (new IPEndPoint(IPAddress.Loopback, behind), new IPEndPoint(IPAddress.Loopback, port));
            }

            silo.Services.Replace(ServiceDescriptor.Singleton<ICommunicatorProvider>(_ => new TcpCommunicatorProvider(options)));
        }));
        MoEModel model = await cluster.Client.CreateModelAsync("m", Run, null, Cancellation);
        TrainingTrace begin = await TrainingTrace.OfAsync(model, Steps / 2);
        isCut = true;

        TrainingTrace end = await TrainingTrace.OfAsync(model, Steps - (Steps / 2));

        expected.AssertSame(new TrainingTrace([.. begin.Losses, .. end.Losses], [.. begin.Norms, .. end.Norms], end.Fingerprint), "without the silo that was cut off");
        Assert.Equal(cluster.Silos.Silos.Skip(1).Select(silo => silo.Name), (await model.GetStatusAsync(Cancellation)).SiloNames.Order());
    }

    private static Task<TrainingCluster> RentAsync(params int[] devices) => TrainingCluster.RentAsync(devices, configure: ReachOverTcp);

    private static void ReachOverTcp(ISiloBuilder silo) => silo.Services.Replace(
        ServiceDescriptor.Singleton<ICommunicatorProvider>(_ => new TcpCommunicatorProvider(new TcpOptions { Secret = "a secret of silos in a test" })));

    private static TcpCommunicatorProvider[] Providers(TrainingCluster cluster) =>
        [.. cluster.Silos.Silos.Select(silo => (TcpCommunicatorProvider)silo.Services.GetRequiredService<ICommunicatorProvider>())];
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;
using MoEActors.Modules.Optimizers;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Placement.Parallelism;
using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.CudaEmulation;
using MoEActors.Tests.Support;
using MoEActors.Tests.Telemetry;
using MoEActors.Workers.Host;

namespace MoEActors.Tests.Training;

/// <summary>A cluster whose silos compute on GPUs, emulated ones: the whole of training goes through the CUDA device.</summary>
[Collection(CudaCollection.Name)]
public sealed class GpuTrainingTests
{
    private const int Steps = 30;

    internal static readonly RunConfiguration Run = new()
    {
        Model = new ModelConfiguration
        {
            Vocabulary = 19,
            Dim = 12,
            Heads = 2,
            KeyValueHeads = 1,
            Hidden = 10,
            Experts = [3, 2],
            MaximumSequence = 6,
            Seed = 7,
        },
        Optimizer = new OptimizerOptions { LearningRate = 5e-3f, WarmupSteps = 3, TotalSteps = Steps },
        MicroBatches = 2,
    };

    /// <summary>Both experts compute every token: no rounding can send one elsewhere, which in so small a model moves the loss by hundredths.</summary>
    private static readonly RunConfiguration Dense = Run with { Model = Run.Model with { Experts = [2, 2], Gate = new GateOptions { TopK = 2 } } };

    /// <summary>On two workers: two experts of the first layer and one of the second are on both.</summary>
    private static readonly PlacementRequest Replicated = new() { Ranks = [[[0, 1], [1], [1, 0]], [[0], [0, 1]]] };

    private const int ShortSteps = 8;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Thirty_steps_on_gpus_have_the_losses_of_the_processor_while_experts_move_between_them()
    {
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        EmulatedCuda.SeekRaces(false);
        try
        {
            using var folder = new TemporaryFolder();
            double[] expected = await TrainAsync("cpu", silos: 1, (_, _) => Task.CompletedTask);
            double[] losses = await TrainAsync("cuda:0", silos: 2, async (model, step) =>
            {
                // There and back, so that the source of a copy and its target are each worker's once.
                if (step is 8 or 16)
                {
                    await model.MoveExpertAsync(layer: 0, expert: 0, rank: step / 8 % 2, Cancellation);
                }

                if (step == Steps)
                {
                    await model.SaveAsync(folder.Path, cancellationToken: Cancellation);
                }
            });
            Assert.All(expected.Zip(losses), pair => Assert.Equal(pair.First, pair.Second, pair.First * 1e-4));
            Assert.True(losses[^1] < 0.8 * losses[0], $"From {losses[0]} to {losses[^1]}: nothing was learnt.");
            Assert.Equal("", EmulatedCuda.Log);
            await OpensOnTheProcessorAsync(folder.Path, losses[^1]);
        }
        finally
        {
            EmulatedCuda.SeekRaces(true);
        }
    }

    [Fact]
    public async Task With_operands_in_bfloat16_the_mean_loss_stays_within_a_hundredth_and_bits_do_not_depend_on_placement()
    {
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        EmulatedCuda.SeekRaces(false);
        try
        {
            double[] expected = await TrainAsync("cpu", silos: 1, (_, _) => Task.CompletedTask, Dense);
            ulong one = 0, two = 0;
            double[] losses = await TrainAsync("cuda:0/bf16", silos: 1, async (model, step) => one = step == Steps ? await model.FingerprintAsync(Cancellation) : 0, Dense);
            double[] spread = await TrainAsync("cuda:0/bf16", silos: 2, async (model, step) =>
            {
                if (step is 8 or 16)
                {
                    await model.MoveExpertAsync(layer: 0, expert: 0, rank: step / 8 % 2, Cancellation);
                    await model.ConfigureParallelismAsync((LayerParallelism)(step / 8 % 2), cancellationToken: Cancellation);
                }

                two = step == Steps ? await model.FingerprintAsync(Cancellation) : 0;
            }, Dense);
            Assert.Equal(expected.Average(), losses.Average(), 1e-2 * expected.Average());
            Assert.Contains(expected.Zip(losses), pair => Math.Abs(pair.First - pair.Second) > 1e-5);
            Assert.Equal(losses, spread);
            Assert.Equal(one, two);
            Assert.Equal("", EmulatedCuda.Log);
        }
        finally
        {
            EmulatedCuda.SeekRaces(true);
        }
    }

    [Fact]
    public async Task Layers_that_are_computed_again_experts_with_replicas_and_experts_that_travel_change_no_bit()
    {
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        EmulatedCuda.SeekRaces(false);
        try
        {
            double[] expected = await TrainAsync("cuda:0", silos: 1, (_, _) => Task.CompletedTask, steps: ShortSteps);
            Assert.Equal(expected, await TrainAsync("cuda:0", silos: 1, (_, _) => Task.CompletedTask, Run with { Recompute = "all" }, ShortSteps));
            Assert.Equal(expected, await TrainAsync(
                "cuda:0", silos: 2, (model, step) => model.ConfigureParallelismAsync((LayerParallelism)(step % 2), cancellationToken: Cancellation), Run, ShortSteps, Replicated));
            Assert.Equal("", EmulatedCuda.Log);
        }
        finally
        {
            EmulatedCuda.SeekRaces(true);
        }
    }

    [Theory, InlineData("cuda:0", 1e-5), InlineData("cuda:0/bf16", 1e-2)]
    public async Task Experts_in_slices_learn_what_whole_ones_do_within_rounding(string device, double tolerance)
    {
        EmulatedCuda.Require();
        EmulatedCuda.ClearLog();
        EmulatedCuda.SeekRaces(false);
        try
        {
            RunConfiguration run = Dense with { Reproducible = false };
            double[] expected = await TrainAsync(device, silos: 1, (_, _) => Task.CompletedTask, run, steps: 3);
            double[] sliced = await TrainAsync(
                device, silos: 2, (model, _) => model.ConfigureParallelismAsync(ParallelismChoice.Sliced(2), cancellationToken: Cancellation), run, steps: 3);
            Assert.All(expected.Zip(sliced), pair => Assert.Equal(pair.First, pair.Second, tolerance * pair.First));
            Assert.Equal("", EmulatedCuda.Log);
        }
        finally
        {
            EmulatedCuda.SeekRaces(true);
        }
    }

    [Fact]
    public async Task When_a_gpu_is_lost_in_mid_training_its_silo_ends_and_the_others_go_on_as_if_nothing_had_happened()
    {
        EmulatedCuda.Require();
        EmulatedCuda.SeekRaces(false);
        try
        {
            double[] expected = await TrainAsync("cuda:0", silos: 1, (_, _) => Task.CompletedTask);
            using var log = new TelemetryCapture($"cuda:{EmulatedCuda.LostDevice} failed");
            await using EmbeddedCluster cluster = await StartAsync($"cuda:0,{EmulatedCuda.LostDevice}", silos: 2, log, snapshotEvery: 5);
            double[] losses = await TrainAndLoseAsync(cluster, EmulatedCuda.LostDevice, before: 13, Steps);
            Assert.Equal(expected, losses);
            Assert.Equal([0], cluster.Silos.Silos.Select(silo => silo.Index));
            Assert.Contains(log.Events, one => one.Id.Id == 309 && one.Level == LogLevel.Critical);
        }
        finally
        {
            EmulatedCuda.ClearLog();
            EmulatedCuda.SeekRaces(true);
        }
    }

    [Fact]
    public async Task The_loss_of_the_first_silos_gpu_ends_that_silo_alone_and_whoever_multiplies_there_is_told_of_it()
    {
        EmulatedCuda.Require();
        EmulatedCuda.SeekRaces(false);
        try
        {
            const int First = EmulatedCuda.FirstLostDevice;
            double[] expected = await TrainAsync("cuda:0", silos: 1, (_, _) => Task.CompletedTask, steps: ShortSteps);
            using var log = new TelemetryCapture("is lost to this process");
            using var other = new CudaDevice(CudaGpu.Get(First));
            using var arena = new Arena(other);
            Matrix a = new(arena.TakeZeroed(16), 4, 4), b = new(arena.TakeZeroed(16), 4, 4), c = new(arena.TakeZeroed(16), 4, 4);
            other.MatMul(a, b, c);
            await using EmbeddedCluster cluster = await StartAsync($"cuda:{First},{First + 1},{First + 2}", silos: 3, log, snapshotEvery: 2);
            var health = new DeviceHealth(cluster.Silos.Silos[0].Services.GetRequiredService<WorkerHost>());
            Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(new HealthCheckContext(), Cancellation)).Status);
            double[] losses = await TrainAndLoseAsync(cluster, First, before: 4, ShortSteps);
            Assert.Equal(expected, losses);
            HealthCheckResult ill = await health.CheckHealthAsync(new HealthCheckContext(), Cancellation);
            Assert.Equal(HealthStatus.Unhealthy, ill.Status);
            Assert.Contains($"cuda:{First} failed", ill.Description, StringComparison.Ordinal);
            Assert.Equal([1, 2], cluster.Silos.Silos.Select(silo => silo.Index));
            Assert.Contains($"cuda:{First} failed", Assert.Single(log.Events).Message, StringComparison.Ordinal);
            Assert.True(Assert.Throws<CudaException>(() => other.MatMul(a, b, c)).IsLost);
        }
        finally
        {
            EmulatedCuda.ClearLog();
            EmulatedCuda.SeekRaces(true);
        }
    }

    /// <summary>Writes where nothing is, on the context that silos have too.</summary>
    private static void Lose(int device)
    {
        using var gpu = new EmulatedGpu(device);
        nint memory = gpu.Upload(new float[256]);
        Assert.NotEqual(CudaResult.Success, gpu.Run("((float*)0)[n] = x[0];", blocks: 1, threads: 1, memory, memory));
    }

    /// <summary>The files that GPUs wrote: the processor goes on from them.</summary>
    private static async Task OpensOnTheProcessorAsync(string folder, double before)
    {
        await using EmbeddedCluster cluster = await StartAsync("cpu", silos: 1);
        MoEModel model = await cluster.Client.RestoreForInferenceAsync("m", folder, cancellationToken: Cancellation);
        Assert.Equal(Steps, model.Step);
        EvaluationOutcome loss = await model.EvaluateAsync(TrainingRuns.Batch(Run, 1), Cancellation);
        Assert.InRange(loss.Loss, 0.1 * before, 1.5 * before);
    }

    private static async Task<double[]> TrainAsync(
        string device, int silos, Func<MoEModel, int, Task> after, RunConfiguration? run = null, int steps = Steps, PlacementRequest? placement = null)
    {
        run ??= Run;
        await using EmbeddedCluster cluster = await StartAsync(device, silos);
        MoEModel model = await cluster.Client.CreateModelAsync("m", run, placement, Cancellation);
        return await TrainAsync(model, run, steps, after);
    }

    private static async Task<double[]> TrainAsync(MoEModel model, RunConfiguration run, int steps, Func<MoEModel, int, Task> after)
    {
        double[] losses = new double[steps];
        for (int step = 1; step <= steps; step++)
        {
            losses[step - 1] = (await model.TrainStepAsync(TrainingRuns.Batch(run, 1 + step % 3), Cancellation)).Loss;
            await after(model, step);
        }

        return losses;
    }

    /// <summary>Trains, and loses a GPU before a step.</summary>
    private static async Task<double[]> TrainAndLoseAsync(EmbeddedCluster cluster, int device, int before, int steps)
    {
        MoEModel model = await cluster.Client.CreateModelAsync("m", Run, cancellationToken: Cancellation);
        return await TrainAsync(model, Run, steps, (_, step) =>
        {
            if (step == before - 1)
            {
                Lose(device);
            }

            return Task.CompletedTask;
        });
    }

    private static Task<EmbeddedCluster> StartAsync(string device, int silos, ILoggerProvider? log = null, int snapshotEvery = 0) => ClusterStarts.EmbeddedAsync(
        new EmbeddedClusterOptions
        {
            Silos = silos,
            Device = device,
            SnapshotInterval = snapshotEvery,
            MemoryPerWorker = 1 << 28,
            Configure = log is null ? null : (_, silo) => silo.Services.AddSingleton(log),
        },
        Cancellation);
}

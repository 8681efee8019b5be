using System.Diagnostics.Metrics;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Modules.Timing;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;
using MoEActors.Placement.Map;
using MoEActors.Tests.Support;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Host;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Shards;

namespace MoEActors.Tests.Memory;

/// <summary>What workers say of their memory: that it does not grow with the step, nor from step to step.</summary>
public sealed class MemoryGaugeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_step_of_64_micro_batches_takes_the_memory_of_one_of_4()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.ClearAsync();
        long[] few = await ArenasAsync(cluster, 4);
        long[] many = await ArenasAsync(cluster, 64);
        Assert.Equal(few, many);
        Assert.All(few, arena => Assert.True(arena > 0));
    }

    [Theory, InlineData(0, 2, 400), InlineData(20, 59, 99)]
    public async Task Many_steps_leave_nothing_behind_and_the_meter_says_so(int snapshots, int warmAt, int steps)
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync([1, 1], snapshots: snapshots);
        await cluster.ClearAsync();
        RunConfiguration run = TrainingRuns.Small with
        {
            Model = TrainingRuns.Small.Model with { Dim = 8, Hidden = 6, Experts = [2], Vocabulary = 11 },
            MicroBatches = 2,
            Recompute = "all",
        };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        WorkerMemory[] warm = await TrainAsync(warmAt);
        WorkerMemory[] last = await TrainAsync(steps);
        Assert.Equal(warm.Select(memory => (memory.Used, memory.Model, memory.Arena, memory.ArenaPeak)), last.Select(memory => (memory.Used, memory.Model, memory.Arena, memory.ArenaPeak)));

        // The copies of snapshots are the host's memory, and none of the model's on the device.
        Assert.All(last, memory => Assert.Equal((0, snapshots > 0), (memory.Leaked, memory.Used > memory.Model)));
        Assert.All(last, memory => Assert.InRange(memory.OpenPeak, 1, memory.StepPeak - 1));
        Dictionary<string, long> measured = Measure(cluster.Host(1));
        Assert.Equal(last[1].Used, measured["moe.memory.used"]);
        Assert.Equal(last[1].Budget, measured["moe.memory.budget"]);
        Assert.Equal(last[1].ArenaPeak, measured["moe.memory.arena.peak"]);
        Assert.Equal(0, measured["moe.memory.leaked"]);

        // As many steps, and then until no snapshot is under way: one that takes long puts off the next one.
        async Task<WorkerMemory[]> TrainAsync(long until)
        {
            while (true)
            {
                StepOutcome outcome = await model.TrainStepAsync(Same(run), Cancellation);
                TrainingStatus status = await model.GetStatusAsync(Cancellation);
                if (outcome.Step >= until && (snapshots == 0 || status.SnapshotStep > until - snapshots))
                {
                    return status.Memory;
                }
            }
        }
    }

    [Fact]
    public void What_a_step_leaves_outside_of_its_arena_is_a_leak_and_what_an_opening_leaves_is_not()
    {
        using var device = new CpuDevice();
        using var arena = new Arena(device, 4096);
        var memory = new ShardMemory(device);
        using var shards = new ShardTable(memory, TrainingRuns.Small.Model);
        var gauge = new ModelGauge(shards, () => [arena]);
        gauge.Add(new OpenViewCommand(TrainingRuns.Small, new PlacementMap(1, [new WorkerId("a@1", 0)], [[0]]), 0, Checkpoint: null, []), 1000);
        arena.Take<byte>(10);
        CommitCommand step = new(Step: 1);
        gauge.Add(step, 4096);
        Assert.Equal(0, gauge.Read(1, 1, copies: 0).Leaked);
        gauge.Add(step, 64);
        WorkerMemory found = gauge.Read(1, 1, copies: 0);
        Assert.Equal((64, 5160, 4096), (found.Leaked, found.Model, found.Arena));

        // Shards come and go at any time: they are no leak, and no part of what a command has allocated.
        long shard = shards.Receive(new ExpertId(0, 0)).Bytes;
        Assert.Equal(device.AllocatedBytes, memory.OtherBytes + shard);
        gauge.Add(step, 0);
        found = gauge.Read(1, 1, copies: 0);
        Assert.Equal((64, 5160 + shard, 5160 + shard), (found.Leaked, found.Model, found.TransferPeak));
        shards.DropArrived();
        Assert.Equal((5160, device.AllocatedBytes), (gauge.Read(1, 1, copies: 0).Model, memory.OtherBytes));
    }

    [Fact]
    public async Task A_move_takes_what_was_estimated_and_leaves_nothing_behind()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        await cluster.ClearAsync();
        RunConfiguration run = TrainingRuns.Small with { MicroBatches = 2 };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], run, null, Cancellation);
        await model.TrainStepAsync(Same(run), Cancellation);
        PlacementMap before = (await model.GetStatusAsync(Cancellation)).Map!;
        await model.MoveExpertAsync(0, 0, 1, Cancellation);
        await model.TrainStepAsync(Same(run), Cancellation);
        TrainingStatus status = await model.GetStatusAsync(Cancellation);
        var shape = new MicroBatchShape(4, run.Model.MaximumSequence);
        WorkerEstimate estimate = MemoryEstimator.Estimate(run, status.Map!, shape, before: before).Workers[1];
        long planned = estimate.Phases[(int)MemoryPhase.Transfer];
        Assert.InRange(status.Memory[1].TransferPeak, (long)(planned / 1.2), planned);
        Assert.Equal(0, status.Memory[0].TransferPeak);

        // The courier frees what has left before it carries what comes.
        await model.MoveExpertAsync(0, 0, 0, Cancellation);
        await model.MoveExpertAsync(0, 0, 1, Cancellation);
        await model.TrainStepAsync(Same(run), Cancellation);
        WorkerMemory[] last = (await model.GetStatusAsync(Cancellation)).Memory;
        Assert.All(last, memory => Assert.Equal((0, memory.Used), (memory.Leaked, memory.Model)));
        Assert.Equal(status.Memory[1].Model, last[1].Model);
    }

    private static async Task<long[]> ArenasAsync(TrainingCluster cluster, int microBatches)
    {
        RunConfiguration run = TrainingRuns.Small with { MicroBatches = microBatches, Model = TrainingRuns.Small.Model with { Experts = [4, 4] } };
        MoEModel model = await cluster.Client.CreateModelAsync(cluster[$"m{microBatches}"], run, null, Cancellation);
        await model.TrainStepAsync(Same(run), Cancellation);
        await model.TrainStepAsync(Same(run), Cancellation);
        return [.. (await model.GetStatusAsync(Cancellation)).Memory.Select(memory => memory.Arena)];
    }

    /// <summary>As many micro-batches of one shape as the run has.</summary>
    private static MicroBatch[] Same(RunConfiguration run)
    {
        int[] tokens = [.. Enumerable.Range(0, 4 * run.Model.MaximumSequence).Select(i => i * 3 % run.Model.Vocabulary)];
        return [.. Enumerable.Repeat(new MicroBatch(tokens, tokens, run.Model.MaximumSequence), run.MicroBatches)];
    }

    private static Dictionary<string, long> Measure(WorkerHost host)
    {
        Dictionary<string, long> measured = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, one) =>
        {
            if (instrument.Meter.Name == "MoEActors")
            {
                one.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag.Key == "silo" && (string?)tag.Value == host.Silo)
                {
                    measured[instrument.Name] = value;
                }
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return measured;
    }
}

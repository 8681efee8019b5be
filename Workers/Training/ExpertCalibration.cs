using System.Diagnostics;
using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Native.Timing;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Training;

/// <summary>
/// Measures what the director's cost model must know: the passes of one expert by rows, in processor time, and the rate at which workers send.
/// All workers measure at once, as they work at once, and the slowest counts; every rank comes to the same answer.
/// </summary>
internal sealed class ExpertCalibration(IDevice device, ICommunicator communicator, ModelConfiguration model) : IDisposable
{
    /// <summary>Rows that are tried, until one takes longer than <see cref="Patience"/>.</summary>
    private static readonly int[] Rows = [1, 4, 16, 64, 256, 1024, 4096];

    private const double Patience = 0.05;
    private const int Repetitions = 9;
    private const int SentElements = 1 << 20;

    private readonly Arena _arena = new(device);
    private readonly DeviceBuffer _seconds = device.Allocate(sizeof(double) * (1L + communicator.Size));

    /// <summary>Measures. Every member takes part.</summary>
    public ClusterCalibration Measure()
    {
        List<long> rows = [];
        List<double> seconds = [];
        using var expert = new ParameterBlock(device, "calibration.", ModelLayout.Expert(model));
        expert.Initialise(model.Seed);
        foreach (int count in Rows)
        {
            // A worker's share of a crowded machine is no property of an expert: processor time, as steps are measured.
            double slowest = Slowest(Times(() => Pass(expert, count), () => ThreadTime.Nanoseconds / 1e9)[Repetitions / 2]) / CostModel.ComputePasses;
            rows.Add(count);
            seconds.Add(slowest);
            if (slowest > Patience)
            {
                break;
            }
        }

        // Fewer rows take no longer than more: where they seemed to, something else held them up.
        for (int i = seconds.Count - 2; i >= 0; i--)
        {
            seconds[i] = Math.Min(seconds[i], seconds[i + 1]);
        }

        return new ClusterCalibration([.. rows], [.. seconds], Bandwidth());
    }

    public void Dispose()
    {
        _seconds.Dispose();
        _arena.Dispose();
    }

    /// <summary>Forward and backward of one round: rows from all workers, and a part of the weight gradient for each.</summary>
    private void Pass(ParameterBlock expert, int rows)
    {
        var tape = new Tape(device, _arena) { Recording = false };
        tape.Reset();
        Matrix halves = tape.NewMatrix(rows, model.Dim);
        device.Fill(halves.Data, 0.5f);
        Matrix input = tape.Operand(halves);
        Matrix output = tape.NewOperand(rows, model.Dim);
        Matrix inputGradient = tape.NewOperand(rows, model.Dim);
        int sources = communicator.Size;
        int[] segments = [.. Enumerable.Range(0, sources).Select(source => (rows / sources) + (source < rows % sources ? 1 : 0))];
        IExpertKind kind = model.Kinds.Experts.Get(model.Expert);
        var batch = new ExpertBatch();
        batch.Begin(tape, [expert.Parameters], segments, sources, input, output, Accumulation.Store);
        kind.Forward(batch);
        batch.BeginBackward(output, inputGradient, Accumulation.Store);
        kind.Backward(batch);
        device.Synchronize();
    }

    /// <summary>Around the ring, every worker to the next.</summary>
    private double Bandwidth()
    {
        _arena.Reset();
        DeviceSpan<float> send = _arena.TakeZeroed(SentElements);
        DeviceSpan<float> receive = _arena.TakeZeroed(SentElements);
        int size = communicator.Size;
        Segment[] away = [new((communicator.Rank + 1) % size, 0, SentElements)];
        Segment[] here = [new((communicator.Rank + size - 1) % size, 0, SentElements)];
        // The fastest: what held the others up was the scheduler of a crowded machine, not the link. Medians there were 13 times apart.
        double seconds = Slowest(Times(
            () =>
            {
                communicator.AllToAll(send, away, receive, here);
                device.Synchronize();
            },
            () => (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency)[0]);
        _arena.Reset();
        return SentElements * sizeof(float) / seconds;
    }

    /// <summary>What the work took each time, the shortest first.</summary>
    private static double[] Times(Action work, Func<double> clock)
    {
        work();
        double[] times = new double[Repetitions];
        for (int i = 0; i < times.Length; i++)
        {
            double started = clock();
            work();
            times[i] = Math.Max(clock() - started, 1e-9);
        }

        Array.Sort(times);
        return times;
    }

    /// <summary>Also where the workers wait for each other, so that they measure side by side.</summary>
    private double Slowest(double seconds)
    {
        DeviceSpan<double> all = _seconds.As<double>();
        device.Write<double>([seconds], all.Slice(0, 1));
        communicator.AllGather(all.Slice(0, 1), all.Slice(1, communicator.Size));
        double[] gathered = new double[communicator.Size];
        device.Read(all.Slice(1, communicator.Size), gathered);
        return gathered.Max();
    }
}

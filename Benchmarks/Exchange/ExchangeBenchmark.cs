using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Exchange;

/// <summary>
/// The data plane beside what carries it: all-to-all between processes beside plain sockets, an empty round beside a byte there and back, all-to-all between
/// the threads of one process beside copies of memory, and the same bytes as arguments of grain calls.
/// </summary>
public static class ExchangeBenchmark
{
    private const long BytesOfBlock = 256L << 20;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="processes">Number of processes.</param>
    /// <param name="bytes">Bytes from every rank to every other.</param>
    /// <param name="blocks">Measured blocks of each kind.</param>
    /// <param name="start">Starts the process of a rank, its input and output redirected, so that it runs <see cref="ExchangeRank.Run"/>.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<ExchangeReport> RunAsync(int processes, int bytes, int blocks, Func<int, Process> start, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(start);
        ExchangeBlock[] between = await BetweenProcessesAsync(processes, start, cancellation);
        (double Ours, double Copies)[] within = WithinProcess(processes, bytes, blocks, cancellation);
        using var device = new CpuDevice(1);
        double PerSecond(IEnumerable<double> seconds, int receivers) => (double)bytes * processes * receivers / Samples.Median([.. seconds]) / 1e9;
        return new ExchangeReport
        {
            Device = device.Description,
            Processes = processes,
            Bytes = bytes,
            Blocks = blocks,
            AllToAllGigabytesPerSecond = PerSecond(between.Select(block => block.AllToAll.Seconds), processes - 1),
            BlastGigabytesPerSecond = PerSecond(between.Select(block => block.Blast.Seconds), processes - 1),
            BlastRatio = Samples.Median([.. between.Select(block => block.Blast.Seconds / block.AllToAll.Seconds)]),
            BlastProcessorRatio = Samples.Median([.. between.Select(block => block.Blast.Processor / block.AllToAll.Processor)]),
            TwoConnectionsProcessorRatio = Samples.Median([.. between.Select(block => block.Blast.Processor / block.TwoConnections.Processor)]),
            FourConnectionsProcessorRatio = Samples.Median([.. between.Select(block => block.Blast.Processor / block.FourConnections.Processor)]),
            TwoConnectionsRatio = Samples.Median([.. between.Select(block => block.Blast.Seconds / block.TwoConnections.Seconds)]),
            FourConnectionsRatio = Samples.Median([.. between.Select(block => block.Blast.Seconds / block.FourConnections.Seconds)]),
            GrainGigabytesPerSecond = PerSecond(between.Select(block => block.GrainArguments!.Seconds), processes - 1),
            GrainRatio = Samples.Median([.. between.Select(block => block.GrainArguments!.Seconds / block.AllToAll.Seconds)]),
            GrainProcessorRatio = Samples.Median([.. between.Select(block => block.GrainArguments!.Processor / block.AllToAll.Processor)]),
            EmptyMicroseconds = Samples.Median([.. between.Select(block => block.Empty.Seconds * 1e6)]),
            PingPongMicroseconds = Samples.Median([.. between.Select(block => block.PingPong.Seconds * 1e6)]),
            PingPongRatio = Samples.Median([.. between.Select(block => block.Empty.Seconds / block.PingPong.Seconds)]),
            InProcessGigabytesPerSecond = PerSecond(within.Select(block => block.Ours), processes),
            CopyGigabytesPerSecond = PerSecond(within.Select(block => block.Copies), processes),
            CopyRatio = Samples.Median([.. within.Select(block => block.Copies / block.Ours)]),
        };
    }

    private static async Task<ExchangeBlock[]> BetweenProcessesAsync(int processes, Func<int, Process> start, CancellationToken cancellation)
    {
        var ranks = new List<Process>();
        try
        {
            ranks.AddRange(Enumerable.Range(0, processes).Select(start));
            string?[] places = await Task.WhenAll(ranks.Select(rank => rank.StandardOutput.ReadLineAsync(cancellation).AsTask()));
            if (places.Any(place => place is null))
            {
                throw new InvalidOperationException("A process of the benchmark ended before it began; what it said is above.");
            }

            foreach (Process rank in ranks)
            {
                await rank.StandardInput.WriteLineAsync(string.Join(';', places).AsMemory(), cancellation);
                await rank.StandardInput.FlushAsync(cancellation);
            }

            string measured = await ranks[0].StandardOutput.ReadLineAsync(cancellation)
                ?? throw new InvalidOperationException("A process of the benchmark failed; what it said is above.");
            foreach (Process rank in ranks)
            {
                await rank.StandardInput.WriteLineAsync();
                rank.StandardInput.Close();
                await rank.WaitForExitAsync(cancellation);
            }

            return JsonSerializer.Deserialize<ExchangeBlock[]>(measured)!;
        }
        finally
        {
            foreach (Process rank in ranks)
            {
                if (!rank.HasExited)
                {
                    rank.Kill();
                }

                rank.Dispose();
            }
        }
    }

    private static (double Ours, double Copies)[] WithinProcess(int workers, int bytes, int blocks, CancellationToken cancellation)
    {
        int rounds = (int)Math.Clamp(BytesOfBlock / ((long)bytes * workers * workers), 4, 4_000);
        var measured = new (double Ours, double Copies)[blocks];
        for (int block = -1; block < blocks; block++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var group = new InProcessCommunicatorGroup(workers, TimeSpan.FromHours(1));
            (double, double) seconds = (OnThreads(workers, bytes, rounds, group), OnThreads(workers, bytes, rounds, group: null));
            if (block >= 0)
            {
                measured[block] = seconds;
            }
        }

        return measured;
    }

    /// <summary>Seconds a round, on as many threads as workers: over communicators, or, without a group, as copies of the same bytes.</summary>
    private static double OnThreads(int workers, int bytes, int rounds, InProcessCommunicatorGroup? group)
    {
        using var device = new CpuDevice(1);
        using var memory = new Arena(device);
        DeviceSpan<byte>[] sends = [.. Enumerable.Range(0, workers).Select(_ => memory.Take<byte>(workers * bytes))];
        DeviceSpan<byte>[] receives = [.. Enumerable.Range(0, workers).Select(_ => memory.Take<byte>(workers * bytes))];
        Segment[] segments = [.. Enumerable.Range(0, workers).Select(peer => new Segment(peer, peer * bytes, bytes))];

        // What has never been written is the system's one page of zeros, which copies read from the first-level cache.
        Array.ForEach(sends, send => device.Write<byte>(Enumerable.Repeat((byte)1, send.Length).ToArray(), send));
        using var begin = new Barrier(workers + 1);
        Thread[] threads =
        [
            .. Enumerable.Range(0, workers).Select(rank => new Thread(() =>
            {
                using ICommunicator? communicator = group?.Open(rank);
                Round();
                begin.SignalAndWait();
                for (int round = 0; round < rounds; round++)
                {
                    Round();
                }

                begin.SignalAndWait();

                void Round()
                {
                    if (communicator is not null)
                    {
                        communicator.AllToAll(sends[rank], segments, receives[rank], segments);
                        return;
                    }

                    for (int peer = 0; peer < workers; peer++)
                    {
                        device.Copy(sends[peer].Slice(rank * bytes, bytes), receives[rank].Slice(peer * bytes, bytes));
                    }
                }
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        begin.SignalAndWait();
        long started = Stopwatch.GetTimestamp();
        begin.SignalAndWait();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Array.ForEach(threads, thread => thread.Join());
        return seconds / rounds;
    }
}

/// <summary>What `moe bench exchange` found: medians over the blocks; ratios are medians of each block's own.</summary>
public sealed record ExchangeReport
{
    /// <summary>The processor.</summary>
    public required string Device { get; init; }

    public required int Processes { get; init; }

    /// <summary>Bytes from every rank to every other in a round.</summary>
    public required int Bytes { get; init; }

    public required int Blocks { get; init; }

    /// <summary>What all ranks together receive from each other, in 10⁹ bytes.</summary>
    public required double AllToAllGigabytesPerSecond { get; init; }

    /// <summary>The same over plain sockets, a connection a pair, without rounds.</summary>
    public required double BlastGigabytesPerSecond { get; init; }

    /// <summary>All-to-all over plain sockets.</summary>
    public required double BlastRatio { get; init; }

    /// <summary>The same of processor time: what plain sockets take over what an all-to-all takes.</summary>
    public required double BlastProcessorRatio { get; init; }

    /// <summary>Processor time of plain sockets with one connection a pair over that with two.</summary>
    public required double TwoConnectionsProcessorRatio { get; init; }

    /// <summary>Over that with four.</summary>
    public required double FourConnectionsProcessorRatio { get; init; }

    /// <summary>Plain sockets with two connections a pair over one.</summary>
    public required double TwoConnectionsRatio { get; init; }

    /// <summary>With four over one.</summary>
    public required double FourConnectionsRatio { get; init; }

    /// <summary>The same bytes as arguments of grain calls between silos of the same processes.</summary>
    public required double GrainGigabytesPerSecond { get; init; }

    /// <summary>What grain calls take over what an all-to-all takes.</summary>
    public required double GrainRatio { get; init; }

    /// <summary>The same of processor time.</summary>
    public required double GrainProcessorRatio { get; init; }

    /// <summary>An all-to-all of nothing.</summary>
    public required double EmptyMicroseconds { get; init; }

    /// <summary>A byte between two processes over a plain socket, there and back.</summary>
    public required double PingPongMicroseconds { get; init; }

    /// <summary>The one over the other.</summary>
    public required double PingPongRatio { get; init; }

    /// <summary>All-to-all between as many threads of one process, the bytes to itself included.</summary>
    public required double InProcessGigabytesPerSecond { get; init; }

    /// <summary>Copies of the same bytes on as many threads.</summary>
    public required double CopyGigabytesPerSecond { get; init; }

    /// <summary>All-to-all within a process over copies.</summary>
    public required double CopyRatio { get; init; }

    /// <inheritdoc />
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {Device}; {Processes} processes, {Bytes:N0} bytes a pair, {Blocks} blocks
        all-to-all {AllToAllGigabytesPerSecond:F2} GB/s, plain sockets {BlastGigabytesPerSecond:F2} GB/s: {BlastRatio:F2} of time, {BlastProcessorRatio:F2} of processor time
        plain sockets with 2 connections a pair over 1: {TwoConnectionsRatio:F2} of time, {TwoConnectionsProcessorRatio:F2} of processor time; with 4 {FourConnectionsRatio:F2} and {FourConnectionsProcessorRatio:F2}
        arguments of grain calls {GrainGigabytesPerSecond:F2} GB/s: {GrainRatio:F1} times the time of an all-to-all, {GrainProcessorRatio:F1} times its processor time
        empty round {EmptyMicroseconds:F1} µs, a byte there and back {PingPongMicroseconds:F1} µs: {PingPongRatio:F2}
        within a process {InProcessGigabytesPerSecond:F2} GB/s, copies {CopyGigabytesPerSecond:F2} GB/s: {CopyRatio:F2}
        """);
}

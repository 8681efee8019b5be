using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks.Exchange;

/// <summary>
/// One process of `moe bench exchange`. It writes where it listens, reads where all do, measures with the others, and, as rank 0, writes what was measured.
/// Blocks of ours and of plain sockets alternate, and of each the slowest rank counts.
/// </summary>
public sealed class ExchangeRank : IDisposable
{
    /// <summary>Bytes that every rank sends to every other in a block, at least.</summary>
    private const long BytesOfBlock = 128L << 20;

    private const int MostRounds = 4_000;
    private const int EmptyRounds = 2_000;

    /// <summary>Of the rounds of a block, that many times less as grain calls: they take longer.</summary>
    private const int GrainShare = 8;

    private readonly int _rank;
    private readonly int _size;
    private readonly int _bytes;
    private readonly int _rounds;
    private readonly CpuDevice _device = new(1);
    private readonly Arena _memory;
    private readonly TcpCommunicatorProvider _provider = new();
    private readonly SocketBlast _sockets;
    private readonly DeviceSpan<byte> _send;
    private readonly DeviceSpan<byte> _receive;
    private readonly DeviceSpan<double> _mine;
    private readonly DeviceSpan<double> _all;
    private readonly Segment[] _segments;
    private ICommunicator _communicator = null!;

    private ExchangeRank(int rank, int size, int bytes)
    {
        (_rank, _size, _bytes) = (rank, size, bytes);
        _rounds = (int)Math.Clamp(BytesOfBlock / bytes, 4, MostRounds);
        _memory = new Arena(_device);
        _send = _memory.Take<byte>(checked(size * bytes));
        _receive = _memory.Take<byte>(size * bytes);
        _mine = _memory.Take<double>(2);
        _all = _memory.Take<double>(2 * size);
        _device.Fill(new DeviceSpan<float>(_send.Address, size * bytes / sizeof(float)), 1f);
        _segments = [.. Enumerable.Range(0, size).Where(peer => peer != rank).Select(peer => new Segment(peer, peer * bytes, bytes))];
        _sockets = new SocketBlast(rank, size);
    }

    /// <summary>Runs the process's part.</summary>
    /// <param name="rank">Its rank.</param>
    /// <param name="size">Number of processes.</param>
    /// <param name="bytes">Bytes from every rank to every other.</param>
    /// <param name="blocks">Blocks of each kind.</param>
    /// <param name="input">Where it reads.</param>
    /// <param name="output">Where it writes.</param>
    public static void Run(int rank, int size, int bytes, int blocks, TextReader input, TextWriter output)
    {
        using var one = new ExchangeRank(rank, size, bytes);
        int port = GrainBlast.FreePort();
        output.WriteLine($"{DataEndPoint.Format(one._provider.EndPoint)} {one._sockets.Place} {port}");
        output.Flush();
        string[][] places = [.. (input.ReadLine() ?? throw new InvalidOperationException("The benchmark has ended.")).Split(';').Select(line => line.Split(' '))];
        one._sockets.Connect([.. places.Select(place => IPEndPoint.Parse(place[1]))]);
        var spec = new CommunicatorSpec(places.Select((place, peer) => new CommunicatorMember(peer, $"{peer}", 0, DataEndPoint.Parse(place[0]))), rank)
        {
            Purpose = CommunicatorPurpose.StepProgram,
            Model = "benchmark",
            Term = 1,
            View = 1,
        };
        using (one._communicator = one._provider.Open(spec))
        {
            ExchangeBlock[] measured = one.Measure(blocks);
            ExchangeCost[] grains = one.MeasureGrains(blocks, port, int.Parse(places[0][2], CultureInfo.InvariantCulture));
            if (rank == 0)
            {
                output.WriteLine(JsonSerializer.Serialize(measured.Zip(grains, (block, cost) => block with { GrainArguments = cost })));
                output.Flush();
            }

            // The others may still be in the last operation.
            input.ReadLine();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _sockets.Dispose();
        _provider.Dispose();
        _memory.Dispose();
        _device.Dispose();
    }

    private ExchangeBlock[] Measure(int blocks)
    {
        ExchangeBlock Block() => new(
            Cost(AllToAll, _rounds), Cost(() => _sockets.Blast(_bytes, _rounds, 1), _rounds), Cost(() => _sockets.Blast(_bytes, _rounds, 2), _rounds),
            Cost(() => _sockets.Blast(_bytes, _rounds, 4), _rounds), Cost(Empty, EmptyRounds), Cost(() => _sockets.PingPong(EmptyRounds), EmptyRounds));
        Block();
        return [.. Enumerable.Range(0, blocks).Select(_ => Block())];
    }

    /// <summary>Apart from the others: silos need the processor now and then, whether or not anybody calls.</summary>
    private ExchangeCost[] MeasureGrains(int blocks, int port, int first)
    {
        // The others meet in the first one's silo.
        using GrainBlast? mine = _rank == 0 ? GrainBlast.Start(port, first) : null;
        _communicator.AllGather(_mine, _all);
        using GrainBlast? other = _rank == 0 ? null : GrainBlast.Start(port, first);
        GrainBlast grains = mine ?? other!;
        int rounds = Math.Max(1, _rounds / GrainShare);
        ExchangeCost Block() => Cost(() => grains.Blast(_bytes, rounds, _size), rounds);
        Block();
        ExchangeCost[] measured = [.. Enumerable.Range(0, blocks).Select(_ => Block())];
        _communicator.AllGather(_mine, _all);
        return measured;
    }

    private void AllToAll()
    {
        for (int round = 0; round < _rounds; round++)
        {
            _communicator.AllToAll(_send, _segments, _receive, _segments);
        }
    }

    private void Empty()
    {
        for (int round = 0; round < EmptyRounds; round++)
        {
            _communicator.AllToAll(DeviceSpan<byte>.Empty, [], DeviceSpan<byte>.Empty, []);
        }
    }

    /// <summary>What a round costs the slowest rank in time, and all of them in processor time, all having begun together.</summary>
    private ExchangeCost Cost(Action measured, int rounds)
    {
        _communicator.AllGather(_mine, _all);
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long started = Stopwatch.GetTimestamp();
        measured();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        _device.Write([seconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds], _mine);
        _communicator.AllGather(_mine, _all);
        double[] costs = new double[2 * _size];
        _device.Read(_all, costs);
        return new ExchangeCost(costs.Where((_, i) => i % 2 == 0).Max() / rounds, costs.Where((_, i) => i % 2 == 1).Sum() / rounds);
    }
}

/// <summary>What a round costs.</summary>
/// <param name="Seconds">Seconds of the slowest rank.</param>
/// <param name="Processor">Seconds of processor time of all ranks: of these a neighbour on the machine takes nothing away.</param>
public sealed record ExchangeCost(double Seconds, double Processor);

/// <summary>What a round of each kind costs in one block.</summary>
/// <param name="AllToAll">An all-to-all.</param>
/// <param name="Blast">The same bytes over plain sockets, one connection a pair.</param>
/// <param name="TwoConnections">Over two.</param>
/// <param name="FourConnections">Over four.</param>
/// <param name="Empty">An all-to-all of nothing.</param>
/// <param name="PingPong">A byte there and back.</param>
public sealed record ExchangeBlock(
    ExchangeCost AllToAll, ExchangeCost Blast, ExchangeCost TwoConnections, ExchangeCost FourConnections, ExchangeCost Empty, ExchangeCost PingPong)
{
    /// <summary>The same bytes as an all-to-all's as arguments of grain calls; null before they have been measured.</summary>
    public ExchangeCost? GrainArguments { get; init; }
}

using System.Net;
using System.Net.Sockets;

namespace MoEActors.Cli.Soak;

/// <summary>
/// Connections of whoever is no member to the ports of silos: they say nothing, stop in the middle, say what is no handshake, or begin like one and go on with
/// anything. Each waits until it is closed.
/// </summary>
/// <param name="places">Where to connect.</param>
/// <param name="seed">Same seed, same strangers.</param>
internal sealed class Strangers(IReadOnlyList<IPEndPoint> places, int seed)
{
    /// <summary>At a time, so that no listener's queue is full: who is turned away there, nobody can count.</summary>
    private const int AtATime = 32;

    /// <summary>Of so many, one waits for the deadline of its handshake.</summary>
    private const int SilentOneIn = 50;

    private const int MostBytes = 4096;

    /// <summary>How long one waits to be closed before it ends what it has begun: who leaves before anybody has looked was never refused.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private long _connections;
    private long _bytes;

    /// <summary>What they have done.</summary>
    public StrangersReport Report => new(Interlocked.Read(ref _connections), Interlocked.Read(ref _bytes));

    /// <summary>Lets so many come, one after the other.</summary>
    public Task ComeAsync(int count, CancellationToken cancellation) => Parallel.ForEachAsync(
        Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = cancellation },
        async (index, ending) => await ComeAsync(new Random(HashCode.Combine(seed, index)), places[index % places.Count], ending));

    private async Task ComeAsync(Random random, IPEndPoint place, CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(place, cancellation);
        Interlocked.Increment(ref _connections);
        try
        {
            byte[] said = Said(random);
            Interlocked.Add(ref _bytes, await socket.SendAsync(said, cancellation));
            Task closed = UntilClosedAsync(socket, cancellation);
            if (await Task.WhenAny(closed, Task.Delay(Moment, cancellation)) != closed && random.Next(SilentOneIn) > 0)
            {
                socket.Shutdown(SocketShutdown.Send);
            }

            await closed;
        }
        catch (SocketException)
        {
            // Closed under its hands.
        }
    }

    private static async Task UntilClosedAsync(Socket socket, CancellationToken cancellation)
    {
        byte[] answer = new byte[256];
        while (await socket.ReceiveAsync(answer, cancellation) > 0)
        {
        }
    }

    private static byte[] Said(Random random)
    {
        byte[] bytes = new byte[random.Next(4) == 0 ? random.Next(MostBytes) : random.Next(160)];
        random.NextBytes(bytes);

        // As members begin, of Orleans' connections and of the data plane.
        byte[] begin = random.Next(3) switch
        {
            0 => [.. "MoEo"u8, 1, (byte)random.Next(256), (byte)random.Next(8), (byte)random.Next(4)],
            1 => [.. "MOED"u8, 1, (byte)random.Next(3), 1, 0],
            _ => [],
        };
        begin.AsSpan(0, Math.Min(begin.Length, bytes.Length)).CopyTo(bytes);
        return bytes;
    }
}

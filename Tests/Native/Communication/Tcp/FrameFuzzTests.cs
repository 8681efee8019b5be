using System.Buffers.Binary;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Tests.Robustness;

namespace MoEActors.Tests.Native.Communication.Tcp;

/// <summary>Readers of what comes over connections, on bytes that nobody should have sent.</summary>
public sealed class FrameFuzzTests
{
    private const int Ranks = 5;

    private static readonly int[] NastyNumbers = [0, 1, -1, int.MaxValue, int.MinValue, Ranks, Ranks - 1, FrameHeader.MostSegments, FrameHeader.MostSegments + 1];

    [Fact]
    public Task Headers_of_operations() => Fuzzer.RunAsync(
        random =>
        {
            byte[] bytes = new byte[FrameHeader.Size];
            new FrameHeader(
                random.NextInt64(), new OperationDescription((CollectiveOperation)random.Next(1, 6), CarriedType.Of<float>(), random.Next(), random.Next(Ranks)),
                Segments: 0).Write(bytes);
            return Spoilt(bytes, random);
        },
        bytes =>
        {
            Accept(FrameHeader.TryRead(bytes, Ranks, out FrameHeader header));
            Require(header.Segments is >= 0 and <= FrameHeader.MostSegments && header.Description.Length >= 0, "its counts are out of bounds");
            Require((uint)header.Description.Root < Ranks && header.Description.Element.Size > 0, "its root or element is none");
            byte[] again = new byte[FrameHeader.Size];
            header.Write(again);
            Require(again.AsSpan().SequenceEqual(bytes), "it does not write as it was read");
        },
        e => e is InvalidDataException);

    [Fact]
    public Task Hellos() => Fuzzer.RunAsync(
        random =>
        {
            byte[] bytes = new byte[Hello.Size];
            random.NextBytes(bytes);
            int to = random.Next(100);
            new Hello(
                new CommunicatorIdentity(Digest.Read(bytes), Digest.Read(bytes)), to + 1 + random.Next(100), to, (StreamKind)random.Next(2), Digest.Read(bytes))
                .Write(bytes);
            return Spoilt(bytes, random);
        },
        bytes =>
        {
            Accept(Hello.TryRead(bytes, out Hello hello) is null);
            Require(hello.To >= 0 && hello.From > hello.To && Enum.IsDefined(hello.Stream), "its ranks or connection are none");
            byte[] again = new byte[Hello.Size];
            hello.Write(again);
            Require(again.AsSpan().SequenceEqual(bytes), "it does not write as it was read");
        },
        e => e is InvalidDataException);

    [Fact]
    public Task Control_frames() => Fuzzer.RunAsync(
        random => Spoilt(
            ControlFrame.Of(new Failure(new string('x', random.Next(80)), [.. Enumerable.Range(0, Ranks).Where(_ => random.Next(2) == 0)], null)), random),
        bytes =>
        {
            Accept(ControlFrame.TryReadHeader(bytes, out ControlFrame.Kind kind, out int length));
            Require(length <= ControlFrame.LongestBody, "its body is too long");
            if (kind == ControlFrame.Kind.Failed)
            {
                // As many bytes as it says, if they have come.
                Accept(bytes.Length - ControlFrame.HeaderSize >= length);
                Accept(ControlFrame.TryReadFailure(bytes.AsSpan(ControlFrame.HeaderSize, length), Ranks, out Failure? failure));
                Require(failure!.MissingRanks.All(rank => rank is >= 0 and < Ranks), "it names a rank that is none");
            }
        },
        e => e is InvalidDataException);

    [Fact]
    public void A_failure_of_any_length_has_a_frame()
    {
        var failure = new Failure(new string('ä', 100_000), [.. Enumerable.Range(0, 5_000)], null);
        byte[] frame = ControlFrame.Of(failure);
        Assert.True(ControlFrame.TryReadHeader(frame, out ControlFrame.Kind kind, out int length));
        Assert.Equal((ControlFrame.Kind.Failed, frame.Length - ControlFrame.HeaderSize), (kind, length));
        Assert.True(ControlFrame.TryReadFailure(frame.AsSpan(ControlFrame.HeaderSize), 5_000, out Failure? read));
        Assert.Equal(Enumerable.Range(0, 1024), read!.MissingRanks);
        Assert.StartsWith(new string('ä', 1_000), read.Message);
    }

    /// <summary>In chunks of any size, what comes is the same.</summary>
    [Theory, InlineData(1), InlineData(7), InlineData(1_000)]
    public void Frames_may_come_in_any_pieces(int chunk)
    {
        using var relay = new RelayOfOne(chunk);
        using TcpHosts hosts = TcpHosts.Start(2, reach: relay.Before);
        ICommunicator[] ranks = hosts.Open();
        for (int seed = 0; seed < 10; seed++)
        {
            SegmentLayout layout = new(2, seed);
            Assert.All(
                RankThreads.Run(ranks, rank =>
                {
                    PinnedMemory<int> send = new(layout.SendLengths[rank.Rank], i => rank.Rank * 10_000 + i);
                    PinnedMemory<int> receive = new(layout.ReceiveLengths[rank.Rank], _ => -1);
                    rank.AllToAll(send.Span, layout.Sends[rank.Rank], receive.Span, layout.Receives[rank.Rank]);
                    Assert.Equal(layout.Expected(rank.Rank, (peer, i) => peer * 10_000 + i, untouched: -1), receive.Elements);
                    PinnedMemory<float> sum = new(6_000, i => i);
                    rank.ReduceScatterInRankOrder(sum.Span, true, sum.Span);
                }),
                failure => Assert.Null(failure));
        }
    }

    /// <summary>One or two bytes or numbers changed, or everything, or nothing.</summary>
    private static byte[] Spoilt(byte[] bytes, Random random)
    {
        switch (random.Next(10))
        {
            case 0:
                random.NextBytes(bytes);
                break;

            case < 8:
                for (int count = random.Next(1, 3); count > 0; count--)
                {
                    if (random.Next(2) == 0)
                    {
                        bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                    }
                    else
                    {
                        int at = random.Next(bytes.Length / sizeof(int)) * sizeof(int);
                        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), NastyNumbers[random.Next(NastyNumbers.Length)]);
                    }
                }

                break;

            default:
                break;
        }

        return bytes;
    }

    private static void Accept(bool accepted)
    {
        if (!accepted)
        {
            throw new InvalidDataException();
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new InvalidOperationException(otherwise);
        }
    }

    private sealed class RelayOfOne(int chunk) : IDisposable
    {
        private Relay? _relay;

        public System.Net.EndPoint Before(int rank, System.Net.EndPoint place) => rank == 0 ? (_relay = new Relay(place, chunk)).EndPoint : place;

        public void Dispose() => _relay?.Dispose();
    }
}

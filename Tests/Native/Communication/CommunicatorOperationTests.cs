using FsCheck;
using FsCheck.Fluent;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Communication;

/// <summary>Every operation against its definition, over every transport.</summary>
public sealed class CommunicatorOperationTests
{
    public static TheoryData<Transport> Transports => [.. Enum.GetValues<Transport>()];

    public static MatrixTheoryData<Transport, int> Sizes => new(Enum.GetValues<Transport>(), [1, 2, 3, 4, 5, 8]);

    [Theory, MemberData(nameof(Transports))]
    public void All_to_all_moves_every_segment_to_its_place_and_nothing_else(Transport transport)
    {
        Gen<(int Size, int Seed)> cases =
            from size in Gen.Choose(1, 5)
            from seed in Gen.Choose(0, int.MaxValue - 1)
            select (size, seed);
        Prop.ForAll(cases.ToArbitrary(), c => CheckAllToAll(transport, c.Size, c.Seed)).Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    [Theory, MemberData(nameof(Sizes))]
    public void All_gather_receives_in_rank_order(Transport transport, int size)
    {
        RankThreads.RunAll(transport, size, rank =>
        {
            PinnedMemory<long> mine = new(7, i => rank.Rank * 100 + i);
            PinnedMemory<long> all = new(7 * size);
            rank.AllGather(mine.Span, all.Span);
            Assert.Equal(Enumerable.Range(0, 7 * size).Select(i => (long)(i / 7 * 100 + i % 7)), all.Elements);
        });
    }

    [Theory, MemberData(nameof(Sizes))]
    public void All_gather_works_in_place(Transport transport, int size)
    {
        RankThreads.RunAll(transport, size, rank =>
        {
            PinnedMemory<int> all = new(3 * size, i => i / 3 == rank.Rank ? 10 + i : -1);
            rank.AllGather(all.Span.Slice(3 * rank.Rank, 3), all.Span);
            Assert.Equal(Enumerable.Range(10, 3 * size), all.Elements);
        });
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Broadcast_copies_the_roots_elements(Transport transport, int size)
    {
        RankThreads.RunAll(transport, size, rank =>
        {
            for (int root = 0; root < size; root++)
            {
                PinnedMemory<byte> span = new(33, i => (byte)(rank.Rank * 50 + i));
                rank.Broadcast(span.Span, root);
                Assert.Equal(Enumerable.Range(0, 33).Select(i => (byte)(root * 50 + i)), span.Elements);
            }
        });
    }

    [Theory, MemberData(nameof(Transports))]
    public void Parts_are_added_in_rank_order_in_the_owned_piece_only(Transport transport)
    {
        Gen<(int Size, int Length, int Seed)> cases =
            from size in Gen.Choose(1, 5)
            from length in Gen.Choose(0, 400)
            from seed in Gen.Choose(0, int.MaxValue - 1)
            select (size, length, seed);
        Prop.ForAll(cases.ToArbitrary(), c => CheckOrderedSum(transport, c.Size, c.Length, c.Seed))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    /// <summary>More than what connections take at once, in both directions at the same time, in pieces of very different size.</summary>
    [Theory, MemberData(nameof(Transports))]
    public void Large_and_small_segments_travel_together(Transport transport)
    {
        const int Size = 3;
        int[] counts = [3_000_000, 0, 1, 2_000, 700_001, 4_096, 1_023, 5];
        int total = counts.Sum();
        RankThreads.RunAll(transport, Size, rank =>
        {
            // To every rank the same pieces; received in the opposite order in memory, so that none lies behind the one before.
            PinnedMemory<float> send = new(Size * total, i => rank.Rank * 1000 + i % 997);
            PinnedMemory<float> receive = new(Size * total);
            List<Segment> sends = [], receives = [];
            for (int peer = 0; peer < Size; peer++)
            {
                int offset = 0;
                foreach (int count in counts)
                {
                    sends.Add(new Segment(peer, peer * total + offset, count));
                    receives.Add(new Segment(peer, (peer + 1) * total - offset - count, count));
                    offset += count;
                }
            }

            rank.AllToAll(send.Span, [.. sends], receive.Span, [.. receives]);
            for (int peer = 0; peer < Size; peer++)
            {
                int offset = 0;
                foreach (int count in counts)
                {
                    for (int i = 0; i < count; i++)
                    {
                        if (receive.Elements[(peer + 1) * total - offset - count + i] != peer * 1000 + (rank.Rank * total + offset + i) % 997)
                        {
                            Assert.Fail($"Rank {rank.Rank}: element {i} of the piece of {count} from rank {peer} is wrong.");
                        }
                    }

                    offset += count;
                }
            }
        });
    }

    [Theory, MemberData(nameof(Transports))]
    public void A_long_sum_has_the_bits_of_a_loop(Transport transport)
    {
        foreach (int length in new[] { 1, 16, 32 * 1024 * 3, 400_003 })
        {
            CheckOrderedSum(transport, 3, length, seed: length);
        }
    }

    private static void CheckAllToAll(Transport transport, int size, int seed)
    {
        SegmentLayout layout = new(size, seed);
        RankThreads.RunAll(transport, size, rank =>
        {
            PinnedMemory<int> send = new(layout.SendLengths[rank.Rank], i => rank.Rank * 10_000 + i);
            PinnedMemory<int> receive = new(layout.ReceiveLengths[rank.Rank], _ => -1);
            rank.AllToAll(send.Span, layout.Sends[rank.Rank], receive.Span, layout.Receives[rank.Rank]);
            Assert.Equal(layout.Expected(rank.Rank, (peer, i) => peer * 10_000 + i, untouched: -1), receive.Elements);
        });
    }

    private static void CheckOrderedSum(Transport transport, int size, int length, int seed)
    {
        const int Rounds = 3;
        Random random = new(seed);
        float[][][] parts = Draw(() => Draw(() => DrawFloats(random, length), size), Rounds);
        bool[][] contributes = Draw(() => Draw(() => random.Next(4) > 0, size), Rounds);
        float[] expected = new float[length];
        for (int round = 0; round < Rounds; round++)
        {
            foreach (int rank in Enumerable.Range(0, size).Where(r => contributes[round][r]))
            {
                for (int i = 0; i < length; i++)
                {
                    expected[i] += parts[round][rank][i];
                }
            }
        }

        RankThreads.RunAll(transport, size, rank =>
        {
            (int start, int owned) = ICommunicator.OwnedRange(length, rank.Rank, size);
            PinnedMemory<float> sum = new(length, i => i >= start && i < start + owned ? 0 : float.NaN);
            for (int round = 0; round < Rounds; round++)
            {
                bool gives = contributes[round][rank.Rank];
                PinnedMemory<float> part = new(length, i => parts[round][rank.Rank][i]);
                rank.ReduceScatterInRankOrder(gives ? part.Span : DeviceSpan<float>.Empty, gives, sum.Span);
            }

            Assert.Equal(length - owned, sum.Elements.Count(float.IsNaN));
            rank.AllGatherOwned(sum.Span);
            Assert.Equal(expected, sum.Elements);
        });
    }

    private static float[] DrawFloats(Random random, int length) =>
        Draw(() => (random.NextSingle() - 0.5f) * MathF.Pow(10, random.Next(-3, 6)), length);

    private static T[] Draw<T>(Func<T> draw, int count) => [.. Enumerable.Range(0, count).Select(_ => draw())];
}

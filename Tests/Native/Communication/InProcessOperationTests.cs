using FsCheck;
using FsCheck.Fluent;
using MoEActors.Native.Communication;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Communication;

/// <summary>Every operation against its definition.</summary>
public sealed class InProcessOperationTests
{
    public static TheoryData<int> Sizes => [1, 2, 3, 4, 5];

    [Fact]
    public void All_to_all_moves_every_segment_to_its_place_and_nothing_else()
    {
        Gen<(int Size, int Seed)> cases =
            from size in Gen.Choose(1, 5)
            from seed in Gen.Choose(0, int.MaxValue - 1)
            select (size, seed);
        Prop.ForAll(cases.ToArbitrary(), c => CheckAllToAll(c.Size, c.Seed)).Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    [Theory, MemberData(nameof(Sizes))]
    public void All_gather_receives_in_rank_order(int size)
    {
        RankThreads.RunAll(size, rank =>
        {
            PinnedMemory<long> mine = new(7, i => rank.Rank * 100 + i);
            PinnedMemory<long> all = new(7 * size);
            rank.AllGather(mine.Span, all.Span);
            Assert.Equal(Enumerable.Range(0, 7 * size).Select(i => (long)(i / 7 * 100 + i % 7)), all.Elements);
        });
    }

    [Theory, MemberData(nameof(Sizes))]
    public void All_gather_works_in_place(int size)
    {
        RankThreads.RunAll(size, rank =>
        {
            PinnedMemory<int> all = new(3 * size, i => i / 3 == rank.Rank ? 10 + i : -1);
            rank.AllGather(all.Span.Slice(3 * rank.Rank, 3), all.Span);
            Assert.Equal(Enumerable.Range(10, 3 * size), all.Elements);
        });
    }

    [Theory, MemberData(nameof(Sizes))]
    public void Broadcast_copies_the_roots_elements(int size)
    {
        RankThreads.RunAll(size, rank =>
        {
            for (int root = 0; root < size; root++)
            {
                PinnedMemory<byte> span = new(33, i => (byte)(rank.Rank * 50 + i));
                rank.Broadcast(span.Span, root);
                Assert.Equal(Enumerable.Range(0, 33).Select(i => (byte)(root * 50 + i)), span.Elements);
            }
        });
    }

    [Fact]
    public void Parts_are_added_in_rank_order_in_the_owned_piece_only()
    {
        Gen<(int Size, int Length, int Seed)> cases =
            from size in Gen.Choose(1, 5)
            from length in Gen.Choose(0, 400)
            from seed in Gen.Choose(0, int.MaxValue - 1)
            select (size, length, seed);
        Prop.ForAll(cases.ToArbitrary(), c => CheckOrderedSum(c.Size, c.Length, c.Seed))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    private static void CheckAllToAll(int size, int seed)
    {
        SegmentLayout layout = new(size, seed);
        RankThreads.RunAll(size, rank =>
        {
            PinnedMemory<int> send = new(layout.SendLengths[rank.Rank], i => rank.Rank * 10_000 + i);
            PinnedMemory<int> receive = new(layout.ReceiveLengths[rank.Rank], _ => -1);
            rank.AllToAll(send.Span, layout.Sends[rank.Rank], receive.Span, layout.Receives[rank.Rank]);
            Assert.Equal(layout.Expected(rank.Rank, (peer, i) => peer * 10_000 + i, untouched: -1), receive.Elements);
        });
    }

    private static void CheckOrderedSum(int size, int length, int seed)
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

        RankThreads.RunAll(size, rank =>
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

using MoEActors.Native.Communication;

namespace MoEActors.Tests.Native.Communication;

public sealed class CommunicatorAllocationTests
{
    [Theory, InlineData(Transport.InProcess), InlineData(Transport.Tcp), InlineData(Transport.Nccl)]
    public void A_warm_communicator_allocates_nothing(Transport transport)
    {
        const int Size = 3;
        long[] allocated = new long[Size];
        RankThreads.RunAll(transport, Size, rank =>
        {
            PinnedMemory<float> a = new(600, i => i);
            PinnedMemory<float> b = new(600);
            PinnedMemory<float> c = new(1800);
            Segment[] segments = [.. Enumerable.Range(0, Size).Select(peer => new Segment(peer, 200 * peer, 200))];

            // The loop itself is warm only when it has been replaced by its optimised form; so it is its own warm-up.
            Repeat();
            // What the runtime makes once for a thread, such as for its first wait, may come late: something made for every message would come every time.
            allocated[rank.Rank] = long.MaxValue;
            for (int i = 0; i < 10; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                Repeat();
                allocated[rank.Rank] = Math.Min(allocated[rank.Rank], GC.GetAllocatedBytesForCurrentThread() - before);
            }

            void Repeat()
            {
                for (int i = 0; i < 200; i++)
                {
                    rank.AllToAll(a.Span, segments, b.Span, segments);
                    rank.AllGather(a.Span, c.Span);
                    rank.ReduceScatterInRankOrder(a.Span, true, b.Span);
                    rank.AllGatherOwned(b.Span);
                    rank.Broadcast(b.Span, i % Size);
                }
            }
        });
        Assert.All(allocated, bytes => Assert.Equal(0, bytes));
    }
}

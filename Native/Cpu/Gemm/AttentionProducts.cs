using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Gemm;

/// <summary>
/// The batched products of causal attention over (sequence, head). A sequence is cut into blocks of rows; a block of queries uses the keys from the
/// first that one of its rows sees to its own end, and a block of keys the queries from its own start to the last that sees one of them. Causality
/// alone saves up to half of the work.
/// </summary>
/// <remarks>
/// "Heads" are the columns of queries and of what attention returns; "shared" are the columns of keys or values, which
/// <see cref="AttentionShape.Group"/> heads share; "scores" are [(sequence, head, query), key].
/// </remarks>
/// <param name="gemm">Computes the products.</param>
/// <param name="shape">Heads.</param>
/// <param name="length">Rows of a sequence.</param>
/// <param name="firstKeys">By row the first key it sees; empty when all see from 0 on.</param>
internal readonly unsafe struct AttentionProducts(GemmEngine gemm, AttentionShape shape, int length, DeviceSpan<int> firstKeys)
{
    /// <summary>Rows of a block: small enough to skip most of the masked half, large enough for the packed product.</summary>
    private const int BlockRows = 64;

    /// <summary><c>scores = heads·sharedᵀ</c>; masked blocks stay undefined.</summary>
    public void HeadsTimesShared(in Matrix heads, in Matrix shared, in Matrix scores) => Run(heads, shared, scores, intoScores: true);

    /// <summary><c>heads = scores·shared</c>.</summary>
    public void ScoresTimesShared(in Matrix scores, in Matrix shared, in Matrix heads) => Run(heads, shared, scores, intoScores: false);

    /// <summary><c>shared = Σ over the group's heads, ascending, of scoresᵀ·heads</c>.</summary>
    public void ScoresTransposedTimesHeads(in Matrix scores, in Matrix heads, in Matrix shared)
    {
        for (int member = 0; member < shape.Group; member++)
        {
            gemm.Begin();
            for (int sequence = 0; sequence < shared.Rows / length; sequence++)
            {
                for (int keyHead = 0; keyHead < shape.KeyValueHeads; keyHead++)
                {
                    int head = keyHead * shape.Group + member;
                    for (int start = 0; start < length; start += BlockRows)
                    {
                        int keys = Math.Min(BlockRows, length - start);
                        int queries = EndOfQueries(sequence, start + keys) - start;
                        gemm.Add(
                            Scores(scores, sequence, head).SliceRows(start, queries).SliceColumns(start, keys).T,
                            Columns(heads, sequence, head).SliceRows(start, queries),
                            Columns(shared, sequence, keyHead).SliceRows(start, keys),
                            add: member > 0);
                    }
                }
            }

            gemm.Run();
        }
    }

    private void Run(in Matrix heads, in Matrix shared, in Matrix scores, bool intoScores)
    {
        gemm.Begin();
        for (int sequence = 0; sequence < heads.Rows / length; sequence++)
        {
            for (int head = 0; head < shape.Heads; head++)
            {
                for (int start = 0; start < length; start += BlockRows)
                {
                    int rows = Math.Min(BlockRows, length - start);
                    int first = FirstKey(sequence, start, rows);
                    int count = start + rows - first;
                    Matrix queries = Columns(heads, sequence, head).SliceRows(start, rows);
                    Matrix keys = Columns(shared, sequence, head / shape.Group).SliceRows(first, count);
                    Matrix block = Scores(scores, sequence, head).SliceRows(start, rows).SliceColumns(first, count);
                    gemm.Add(intoScores ? queries : block, intoScores ? keys.T : keys, intoScores ? block : queries, add: false);
                }
            }
        }

        gemm.Run();
    }

    /// <summary>The first key that one of the rows sees.</summary>
    private int FirstKey(int sequence, int start, int rows)
    {
        if (firstKeys.IsEmpty)
        {
            return 0;
        }

        int first = start;
        int* keys = firstKeys.Pointer + (nint)sequence * length + start;
        for (int i = 0; i < rows; i++)
        {
            first = Math.Min(first, keys[i]);
        }

        return first;
    }

    /// <summary>Behind the last query that sees one of the keys before <paramref name="end"/>.</summary>
    private int EndOfQueries(int sequence, int end)
    {
        if (firstKeys.IsEmpty)
        {
            return length;
        }

        int last = length;
        int* keys = firstKeys.Pointer + (nint)sequence * length;
        while (keys[last - 1] >= end)
        {
            last--;
        }

        return last;
    }

    private Matrix Columns(in Matrix rows, int sequence, int head) =>
        rows.SliceRows(sequence * length, length).SliceColumns(head * shape.HeadDim, shape.HeadDim);

    private Matrix Scores(in Matrix scores, int sequence, int head) => scores.SliceRows((sequence * shape.Heads + head) * length, length);
}

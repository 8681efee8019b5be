using MoEActors.Native.Operations;

namespace MoEActors.Modules.Layers;

/// <summary>
/// The batched products of causal attention over (sequence, head). A sequence is cut into blocks of query rows; block r uses the
/// keys up to its own end alone, which saves up to half of the work. The array of products is reused from call to call.
/// </summary>
/// <remarks>
/// "Heads" are the columns of queries and of what attention returns; "shared" are the columns of keys or values, which
/// <see cref="AttentionShape.Group"/> heads share; "scores" are [(sequence, head, query), key].
/// </remarks>
internal sealed class AttentionProducts(AttentionShape shape)
{
    /// <summary>Rows of a block: small enough to skip most of the masked half, large enough for the packed product.</summary>
    private const int BlockRows = 64;

    private MatrixProduct[] _products = [];
    private int _count;

    /// <summary><c>scores = heads·sharedᵀ</c>; masked blocks stay undefined.</summary>
    /// <param name="device">The device.</param>
    /// <param name="heads">Rows with the heads in their first columns.</param>
    /// <param name="shared">The key or value columns.</param>
    /// <param name="scores">The result.</param>
    /// <param name="length">Rows of a sequence.</param>
    public void HeadsTimesShared(IDevice device, in Matrix heads, in Matrix shared, in Matrix scores, int length) =>
        Run(device, heads, shared, scores, length, intoScores: true);

    /// <summary><c>heads = scores·shared</c>.</summary>
    public void ScoresTimesShared(IDevice device, in Matrix scores, in Matrix shared, in Matrix heads, int length) =>
        Run(device, heads, shared, scores, length, intoScores: false);

    /// <summary><c>shared = Σ over the group's heads, ascending, of scoresᵀ·heads</c>.</summary>
    public void ScoresTransposedTimesHeads(IDevice device, in Matrix scores, in Matrix heads, in Matrix shared, int length)
    {
        for (int member = 0; member < shape.Group; member++)
        {
            for (int sequence = 0; sequence < shared.Rows / length; sequence++)
            {
                for (int keyHead = 0; keyHead < shape.KeyValueHeads; keyHead++)
                {
                    int head = keyHead * shape.Group + member;
                    for (int start = 0; start < length; start += BlockRows)
                    {
                        int keys = Math.Min(BlockRows, length - start);
                        Add(
                            Scores(scores, sequence, head, length).SliceRows(start, length - start).SliceColumns(start, keys).T,
                            Columns(heads, sequence, head, length).SliceRows(start, length - start),
                            Columns(shared, sequence, keyHead, length).SliceRows(start, keys));
                    }
                }
            }

            Run(device, member == 0 ? Accumulation.Store : Accumulation.Add);
        }
    }

    private void Run(IDevice device, in Matrix heads, in Matrix shared, in Matrix scores, int length, bool intoScores)
    {
        for (int sequence = 0; sequence < heads.Rows / length; sequence++)
        {
            for (int head = 0; head < shape.Heads; head++)
            {
                for (int start = 0; start < length; start += BlockRows)
                {
                    int rows = Math.Min(BlockRows, length - start);
                    Matrix queries = Columns(heads, sequence, head, length).SliceRows(start, rows);
                    Matrix keys = Columns(shared, sequence, head / shape.Group, length).SliceRows(0, start + rows);
                    Matrix block = Scores(scores, sequence, head, length).SliceRows(start, rows).SliceColumns(0, start + rows);
                    Add(intoScores ? queries : block, intoScores ? keys.T : keys, intoScores ? block : queries);
                }
            }
        }

        Run(device, Accumulation.Store);
    }

    private Matrix Columns(in Matrix rows, int sequence, int head, int length) =>
        rows.SliceRows(sequence * length, length).SliceColumns(head * shape.HeadDim, shape.HeadDim);

    private Matrix Scores(in Matrix scores, int sequence, int head, int length) =>
        scores.SliceRows((sequence * shape.Heads + head) * length, length);

    private void Add(in Matrix a, in Matrix b, in Matrix c)
    {
        if (_count == _products.Length)
        {
            Array.Resize(ref _products, Math.Max(64, _count * 2));
        }

        _products[_count++] = new MatrixProduct(a, b, c);
    }

    private void Run(IDevice device, Accumulation accumulation)
    {
        device.GroupedMatMul(_products.AsSpan(0, _count), accumulation);
        _count = 0;
    }
}

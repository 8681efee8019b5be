using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>Heads of grouped-query attention (Ainslie et al., arXiv 2305.13245).</summary>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; each serves <c>Heads / KeyValueHeads</c> query heads.</param>
/// <param name="HeadDim">Features of a head.</param>
public readonly record struct AttentionShape(int Heads, int KeyValueHeads, int HeadDim)
{
    /// <summary>Query heads that share a key and value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Columns of queries.</summary>
    public int QueryColumns => Heads * HeadDim;

    /// <summary>Columns of keys, and of values.</summary>
    public int KeyColumns => KeyValueHeads * HeadDim;

    /// <summary>Columns of queries, keys and values side by side.</summary>
    public int Columns => QueryColumns + 2 * KeyColumns;
}

/// <summary>What a device needs to compute attention, in floats.</summary>
/// <param name="State">What its gradient needs of it.</param>
/// <param name="Scratch">What its gradient needs while it runs.</param>
public readonly record struct AttentionMemory(long State, long Scratch)
{
    /// <summary>What a device needs that stores every score and its gradient: the most that any does.</summary>
    /// <param name="shape">The heads.</param>
    /// <param name="rows">Rows, of all sequences.</param>
    /// <param name="sequenceLength">Rows of a sequence.</param>
    internal static AttentionMemory OfScores(in AttentionShape shape, int rows, int sequenceLength)
    {
        long scores = checked((long)rows * shape.Heads * sequenceLength);
        return new AttentionMemory(scores, scores);
    }
}

/// <summary>What some device needs to compute attention: its <see cref="IAttentionOperations.AttentionMemory"/>.</summary>
/// <param name="shape">The heads.</param>
/// <param name="rows">Rows, of all sequences.</param>
/// <param name="sequenceLength">Rows of a sequence.</param>
public delegate AttentionMemory AttentionNeeds(in AttentionShape shape, int rows, int sequenceLength);

/// <summary>
/// Rotary embedding, and causal grouped-query attention as one operation: how scores are cut up and whether they are ever stored is the device's
/// affair.
/// <para>
/// Rows are whole sequences of one length, one behind the other. Head h has the columns <c>h·HeadDim</c> and following of queries and output, and
/// the columns of head <c>h / Group</c> of keys and values; all of them may be column slices of one wide matrix. Query i of a sequence sees the keys
/// j of the same sequence with <c>firstKeys ≤ j ≤ i</c>: itself always, and where <c>firstKeys</c> says so nothing of the documents before its own.
/// A key that is not seen has the probability 0: what its row holds does not matter as long as it is finite.
/// </para>
/// <para>Head sizes are even and at most 256; the CPU takes any.</para>
/// </summary>
public interface IAttentionOperations
{
    /// <summary>
    /// Rotates the two halves of every head in place: <c>(a, b) ← (a·cos − b·sin, b·cos + a·sin)</c>, or back when
    /// <paramref name="inverse"/> is set, which is also the gradient.
    /// </summary>
    /// <param name="x">Rows of one or more heads side by side; columns are a multiple of twice the tables' columns.</param>
    /// <param name="cosines">[positions, headDim/2].</param>
    /// <param name="sines">[positions, headDim/2].</param>
    /// <param name="sequenceLength">Row i stands at position <c>i mod sequenceLength</c>.</param>
    /// <param name="inverse">Rotate back.</param>
    void Rotary(in Matrix x, in Matrix cosines, in Matrix sines, int sequenceLength, bool inverse);

    /// <summary>What <see cref="Attention"/> and <see cref="AttentionGradient"/> need for so many rows.</summary>
    /// <param name="shape">The heads.</param>
    /// <param name="rows">Rows, of all sequences.</param>
    /// <param name="sequenceLength">Rows of a sequence.</param>
    AttentionMemory AttentionMemory(in AttentionShape shape, int rows, int sequenceLength);

    /// <summary><c>output = softmax(scale·q·kᵀ)·v</c> over the keys that each query sees, head by head.</summary>
    /// <param name="shape">The heads.</param>
    /// <param name="queries">[n, heads·HeadDim].</param>
    /// <param name="keys">[n, key heads·HeadDim].</param>
    /// <param name="values">[n, key heads·HeadDim].</param>
    /// <param name="firstKeys">[n]: by row the position in its sequence of the first key it sees, at most its own; empty when all see from 0 on.</param>
    /// <param name="sequenceLength">Rows of a sequence; n is a multiple of it.</param>
    /// <param name="scale">Factor on the scores, above 0.</param>
    /// <param name="output">[n, heads·HeadDim].</param>
    /// <param name="state">As many floats as <see cref="AttentionMemory"/> says: what the gradient needs. The device alone knows what they mean.</param>
    void Attention(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state);

    /// <summary>
    /// Gradients of <see cref="Attention"/>, stored: with p the probabilities and <c>dp = dOutput·vᵀ</c>, <c>ds = scale·p·(dp − Σⱼ dpⱼ·pⱼ)</c>,
    /// <c>dQueries = ds·k</c>, and for each key head the sum over the heads of its group, ascending, of <c>dKeys = dsᵀ·q</c> and
    /// <c>dValues = pᵀ·dOutput</c>.
    /// </summary>
    /// <param name="shape">The heads.</param>
    /// <param name="queries">As in the forward pass.</param>
    /// <param name="keys">As in the forward pass.</param>
    /// <param name="values">As in the forward pass.</param>
    /// <param name="firstKeys">As in the forward pass.</param>
    /// <param name="sequenceLength">As in the forward pass.</param>
    /// <param name="scale">As in the forward pass.</param>
    /// <param name="output">What the forward pass stored.</param>
    /// <param name="state">What the forward pass stored.</param>
    /// <param name="dOutput">[n, heads·HeadDim].</param>
    /// <param name="dQueries">[n, heads·HeadDim].</param>
    /// <param name="dKeys">[n, key heads·HeadDim].</param>
    /// <param name="dValues">[n, key heads·HeadDim].</param>
    /// <param name="scratch">As many floats as <see cref="AttentionMemory"/> says, of any content.</param>
    void AttentionGradient(
        in AttentionShape shape, in Matrix queries, in Matrix keys, in Matrix values, DeviceSpan<int> firstKeys, int sequenceLength, float scale,
        in Matrix output, DeviceSpan<float> state, in Matrix dOutput, in Matrix dQueries, in Matrix dKeys, in Matrix dValues,
        DeviceSpan<float> scratch);
}

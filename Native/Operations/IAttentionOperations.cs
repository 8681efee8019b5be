using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>Rotary embedding and the causal softmax; the products of attention are <see cref="IMatrixOperations.GroupedMatMul"/>.</summary>
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

    /// <summary>
    /// <c>softmax(scale·scores)</c> over the columns j ≤ i mod <paramref name="sequenceLength"/> of row i, in place; the other
    /// columns become 0.
    /// </summary>
    void CausalSoftmax(in Matrix scores, int sequenceLength, float scale);

    /// <summary>
    /// <c>dScores = scale·p·(dp − Σⱼ dpⱼ·pⱼ)</c> over the visible columns, in place in <paramref name="gradient"/>; the others become 0.
    /// </summary>
    void CausalSoftmaxGradient(in Matrix probabilities, in Matrix gradient, int sequenceLength, float scale);
}

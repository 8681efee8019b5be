using MoEActors.Native.Memory;

namespace MoEActors.Native.Operations;

/// <summary>One product of a group: <c>C (+)= A·B</c>, A [m, k], B [k, n], C [m, n]. A and B may be transposed views, C may not.</summary>
/// <param name="A">Left operand.</param>
/// <param name="B">Right operand.</param>
/// <param name="C">Result.</param>
public readonly record struct MatrixProduct(Matrix A, Matrix B, Matrix C);

/// <summary>
/// One weight gradient of a group: <c>G += Σ over segments s, ascending, of (Xᵀ·Y)ₛ</c>, each part complete (summed from zero in
/// row order) before it is added. X [n, a], Y [n, b], G [a, b].
/// </summary>
/// <param name="X">Inputs of the layer, a row per token.</param>
/// <param name="Y">Gradients of the layer's outputs, a row per token.</param>
/// <param name="Gradient">The running sum.</param>
/// <param name="FirstSegment">Index of this product's first segment in the array of segment lengths.</param>
/// <param name="SegmentCount">Number of segments; their lengths add up to n. A segment may be empty.</param>
/// <param name="Accumulation"><see cref="Accumulation.Store"/> begins the sum at +0, whatever G holds.</param>
public readonly record struct WeightGradient(
    Matrix X, Matrix Y, Matrix Gradient, int FirstSegment, int SegmentCount, Accumulation Accumulation = Accumulation.Add);

/// <summary>
/// Products of matrices. Element (i, j) is <c>fma(aᵢₖ, bₖⱼ, acc)</c> over ascending k from acc = +0, then stored or added. Both operands have elements of
/// one type; of operands in bfloat16 the sum is in fp32, and the result may be of either type.
/// </summary>
public interface IMatrixOperations
{
    /// <summary><c>destination = source</c>, rounded to the destination's type of elements (to the nearest, of two the even one) or widened to it.</summary>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    void Convert(in Matrix source, in Matrix destination);

    /// <summary><c>C = A·B</c> or <c>C += A·B</c>.</summary>
    /// <exception cref="ArgumentException">Shapes that do not fit, or a transposed result.</exception>
    void MatMul(in Matrix a, in Matrix b, in Matrix c, Accumulation accumulation = Accumulation.Store);

    /// <summary>Independent products of any shapes: grouped experts, batched attention heads. Results must not overlap.</summary>
    /// <exception cref="ArgumentException">Shapes that do not fit, or a transposed result.</exception>
    void GroupedMatMul(ReadOnlySpan<MatrixProduct> products, Accumulation accumulation = Accumulation.Store);

    /// <summary>Weight gradients of a group, a part per segment (a segment is one micro-batch's rows of one expert).</summary>
    /// <exception cref="ArgumentException">Shapes that do not fit, or segments that do not add up.</exception>
    void GroupedWeightGradient(ReadOnlySpan<WeightGradient> products, ReadOnlySpan<int> segmentLengths);

    /// <summary><c>sums[j] += Σᵢ y[i, j]</c>, the sum taken from zero in row order before it is added: the gradient of a bias.</summary>
    void AddColumnSums(in Matrix y, DeviceSpan<float> sums);
}

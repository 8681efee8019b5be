namespace MoEActors.Cli.Bench;

/// <summary>A product to measure: C [m, n] = A [m, k] · B [k, n].</summary>
/// <param name="M">Rows of the result.</param>
/// <param name="N">Columns of the result.</param>
/// <param name="K">Length of the sums.</param>
/// <param name="TransposedA">A is stored by columns, as in weight gradients.</param>
/// <param name="TransposedB">B is stored by columns, as in input gradients.</param>
public sealed record GemmShape(int M, int N, int K, bool TransposedA = false, bool TransposedB = false)
{
    /// <summary>Floating-point operations of one product.</summary>
    public double Operations => 2.0 * M * N * K;

    /// <inheritdoc />
    public override string ToString() =>
        $"{M} × {N} × {K}{(TransposedA ? ", A transposed" : "")}{(TransposedB ? ", B transposed" : "")}";
}

using System.Text.Json.Serialization;

namespace MoEActors.Cli.Bench;

/// <summary>The measurement of one product on one number of threads.</summary>
/// <param name="M">Rows of the result.</param>
/// <param name="N">Columns of the result.</param>
/// <param name="K">Length of the sums.</param>
/// <param name="TransposedA">A was stored by columns.</param>
/// <param name="TransposedB">B was stored by columns.</param>
/// <param name="Threads">Threads of either side.</param>
/// <param name="Gflops">Our median, in 10⁹ operations per second.</param>
/// <param name="OpenBlasGflops">OpenBLAS's median, or null where it is not installed.</param>
/// <param name="Ratio">Median over the samples of ours divided by OpenBLAS's, taken right after one another.</param>
public sealed record GemmResult(
    [property: JsonPropertyName("m")] int M,
    [property: JsonPropertyName("n")] int N,
    [property: JsonPropertyName("k")] int K,
    [property: JsonPropertyName("transposed_a")] bool TransposedA,
    [property: JsonPropertyName("transposed_b")] bool TransposedB,
    [property: JsonPropertyName("threads")] int Threads,
    [property: JsonPropertyName("gflops")] double Gflops,
    [property: JsonPropertyName("openblas_gflops")] double? OpenBlasGflops,
    [property: JsonPropertyName("ratio")] double? Ratio);

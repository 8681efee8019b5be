using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Benchmarks;

/// <summary>
/// Our matrix products against OpenBLAS's on equal threads. Samples of the two alternate, so that
/// other load on the machine affects both; medians are reported.
/// </summary>
public static class GemmBenchmark
{
    private const int WarmUps = 3;

    /// <summary>
    /// OpenBLAS's threads spin for about 20 ms after a call, on cores that ours then have to share. This pause between samples lets
    /// them stop.
    /// </summary>
    private static readonly TimeSpan SpinOut = TimeSpan.FromMilliseconds(40);

    /// <summary>Measures everything <paramref name="options"/> ask for.</summary>
    /// <param name="options">Products, threads, samples.</param>
    /// <param name="progress">Told a line per measurement.</param>
    public static GemmReport Run(GemmBenchmarkOptions options, IProgress<string>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        OpenBlas? blas = OpenBlas.TryLoad();
        var results = new List<GemmResult>();
        string description = "";
        foreach (int threads in options.Threads)
        {
            using var device = new CpuDevice(threads);
            description = device.Description;
            blas?.SetThreads(threads);
            foreach (GemmShape shape in options.Shapes)
            {
                GemmResult result = Measure(device, blas, shape, threads, options);
                results.Add(result);
                progress?.Report(Line(shape, result));
            }
        }

        return new GemmReport(description, blas?.Configuration, results);
    }

    private static GemmResult Measure(CpuDevice device, OpenBlas? blas, GemmShape shape, int threads, GemmBenchmarkOptions options)
    {
        using var memory = new Arena(device);
        Matrix a = Operand(device, memory, shape.M, shape.K, shape.TransposedA);
        Matrix b = Operand(device, memory, shape.K, shape.N, shape.TransposedB);
        Matrix own = Operand(device, memory, shape.M, shape.N, transposed: false);
        Matrix theirs = Operand(device, memory, shape.M, shape.N, transposed: false);
        int products = Math.Max(1, (int)(options.OperationsPerSample / shape.Operations));
        var ownRates = new double[options.Repetitions];
        var blasRates = new double[options.Repetitions];
        var ratios = new double[options.Repetitions];
        for (int i = -WarmUps; i < options.Repetitions; i++)
        {
            double rate = Sample(() => device.MatMul(a, b, own), products, shape);
            double blasRate = blas is null ? double.NaN : Sample(() => blas.MatMul(a, b, theirs), products, shape);
            if (i >= 0)
            {
                (ownRates[i], blasRates[i], ratios[i]) = (rate, blasRate, rate / blasRate);
            }

            if (blas is not null && threads > 1)
            {
                Thread.Sleep(SpinOut);
            }
        }

        if (blas is not null)
        {
            RequireEqual(device, own, theirs, shape);
        }

        return new GemmResult(
            shape.M, shape.N, shape.K, shape.TransposedA, shape.TransposedB, threads, Samples.Median(ownRates),
            blas is null ? null : Samples.Median(blasRates), blas is null ? null : Samples.Median(ratios));
    }

    /// <summary>One product untimed, to wake threads and fill caches, then the sample.</summary>
    private static double Sample(Action product, int products, GemmShape shape)
    {
        product();
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < products; i++)
        {
            product();
        }

        return shape.Operations * products / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    private static Matrix Operand(CpuDevice device, Arena memory, int rows, int columns, bool transposed)
    {
        DeviceSpan<float> span = memory.Take<float>(rows * columns);
        float[] elements = new float[span.Length];
        var random = new Random(rows + columns);
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = random.NextSingle() - 0.5f;
        }

        device.Write(elements, span);
        return transposed ? new Matrix(span, columns, rows).T : new Matrix(span, rows, columns);
    }

    /// <summary>Both sides must compute the same. OpenBLAS adds in another order, hence the tolerance.</summary>
    private static void RequireEqual(CpuDevice device, in Matrix own, in Matrix theirs, GemmShape shape)
    {
        float[] ours = new float[own.Data.Length], others = new float[theirs.Data.Length];
        device.Read(own.Data, ours);
        device.Read(theirs.Data, others);
        float tolerance = 1e-5f * MathF.Sqrt(shape.K);
        for (int i = 0; i < ours.Length; i++)
        {
            if (!(MathF.Abs(ours[i] - others[i]) <= tolerance))
            {
                throw new InvalidOperationException($"{shape}: element {i} is {ours[i]:R}, OpenBLAS has {others[i]:R}.");
            }
        }
    }

    private static string Line(GemmShape shape, GemmResult result)
    {
        string threads = result.Threads == 1 ? "1 thread" : $"{result.Threads} threads";
        string baseline = result.Ratio is { } ratio
            ? string.Create(CultureInfo.InvariantCulture, $", OpenBLAS {result.OpenBlasGflops:F0}, ratio {ratio:F2}")
            : ", OpenBLAS not installed";
        return string.Create(CultureInfo.InvariantCulture, $"{shape}, {threads}: {result.Gflops:F0} GFLOP/s{baseline}");
    }
}

/// <summary>What <see cref="GemmBenchmark"/> measures.</summary>
public sealed record GemmBenchmarkOptions
{
    /// <summary>The products, each measured for every number of threads.</summary>
    public IReadOnlyList<GemmShape> Shapes { get; init; } =
    [
        new(768, 1536, 768),
        new(2048, 2048, 2048),
        new(512, 1024, 512),
        new(512, 1024, 512, TransposedB: true),
        new(512, 1024, 512, TransposedA: true),
        new(32, 1024, 512),
        new(128, 128, 32),
    ];

    /// <summary>Numbers of threads; both sides get the same.</summary>
    public IReadOnlyList<int> Threads { get; init; } = Environment.ProcessorCount > 1 ? [1, 2] : [1];

    /// <summary>Samples a side; medians are reported.</summary>
    public int Repetitions { get; init; } = 11;

    /// <summary>Least floating-point operations in a sample: small products are repeated until a sample has that many.</summary>
    public double OperationsPerSample { get; init; } = 4e9;
}

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

/// <summary>What <see cref="GemmBenchmark"/> found.</summary>
/// <param name="Device">The device in words: instruction set and threads.</param>
/// <param name="OpenBlas">OpenBLAS's own description (version, kernels, threads), or null where it is not installed.</param>
/// <param name="Results">One measurement per product and number of threads.</param>
public sealed record GemmReport(
    string Device,
    [property: JsonPropertyName("openblas")] string? OpenBlas,
    IReadOnlyList<GemmResult> Results);

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
    int M,
    int N,
    int K,
    bool TransposedA,
    bool TransposedB,
    int Threads,
    double Gflops,
    [property: JsonPropertyName("openblas_gflops")] double? OpenBlasGflops,
    double? Ratio);

using System.Diagnostics;
using System.Globalization;
using MoEActors.Native.Cpu;
using MoEActors.Native.Memory;

namespace MoEActors.Cli.Bench;

/// <summary>
/// Our matrix products against OpenBLAS's on equal threads. Samples of the two alternate, so that whatever else the machine
/// does meets both; medians are reported.
/// </summary>
public static class GemmBenchmark
{
    private const int WarmUps = 3;

    /// <summary>
    /// OpenBLAS's threads spin for some 20 ms after a call, on cores that ours then have to share. Between samples there is
    /// time for them to stop.
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

    /// <summary>A baseline that computes something else is none. OpenBLAS adds in another order, hence the tolerance.</summary>
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

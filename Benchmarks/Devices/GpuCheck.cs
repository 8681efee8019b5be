using System.Diagnostics;
using System.Globalization;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Benchmarks.Devices;

/// <summary>
/// What a GPU has to show before anything is trained on it: that every kernel compiles and computes what the processor does, that training gives the same
/// losses, and how fast it is. In parts, since a machine with a GPU may be lent for minutes only.
/// </summary>
public static class GpuCheck
{
    private static readonly (string Name, string About, Func<GpuCheckContext, Task> Run)[] All =
    [
        ("kernels", "every kernel compiles: seconds, registers, spilled bytes", context => Task.Run(() => KernelCheck.Run(context))),
        ("operations", "every operation gives what the processor gives", context => Task.Run(() => OperationCheck.Run(context))),
        ("products", "products of matrices: right, and at how many TFLOP/s", context => Task.Run(() => ProductCheck.Run(context))),
        ("nccl", "NCCL with one rank: it loads, moves what it should, and gives up in time", context => Task.Run(() => NcclCheck.Run(context))),
        ("training", "30 steps of a small model: the losses of the processor, the same bits twice", TrainingCheck.RunAsync),
        ("layer", "forward and backward of one MoE layer: milliseconds and TFLOP/s", context => Task.Run(() => LayerCheck.Run(context))),
        ("model", "whole steps of a language model of 12 layers of 16 experts: tokens/s and TFLOP/s", context => Task.Run(() => ModelCheck.Run(context))),
    ];

    /// <summary>The parts, with what each is about, in the order in which they are run.</summary>
    public static IReadOnlyList<(string Name, string About)> Parts { get; } = [.. All.Select(part => (part.Name, part.About))];

    /// <summary>Runs one part.</summary>
    /// <param name="part">Its name.</param>
    /// <param name="gpu">The GPU.</param>
    /// <param name="progress">Told a line per finding.</param>
    /// <param name="cancellation">Stops between two findings.</param>
    /// <exception cref="ArgumentException">There is no such part.</exception>
    public static async Task<GpuCheckReport> RunAsync(string part, CudaGpu gpu, IProgress<string>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(gpu);
        (_, _, Func<GpuCheckContext, Task>? run) = All.FirstOrDefault(one => one.Name == part);
        if (run is null)
        {
            throw new ArgumentException($"There is no part '{part}'; there are {string.Join(", ", Parts.Select(one => one.Name))}.", nameof(part));
        }

        long started = Stopwatch.GetTimestamp();
        var context = new GpuCheckContext(gpu, progress, cancellation);
        try
        {
            await run(context);
        }
        catch (Exception e) when (e is CudaException or CudaMemoryException or InvalidOperationException)
        {
            context.Failed("ended early", e.Message);
        }

        return new GpuCheckReport
        {
            Part = part,
            Gpu = gpu.Name,
            Architecture = gpu.Architecture,
            MemoryBytes = gpu.TotalBytes,
            Libraries = [.. CudaLibraries.All],
            Passed = context.Findings.All(finding => finding.Passed),
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Findings = context.Findings,
        };
    }
}

/// <summary>Where the parts put what they find.</summary>
public sealed class GpuCheckContext
{
    private const int LeastMultiprocessors = 8;

    private readonly List<GpuFinding> _findings = [];
    private readonly IProgress<string>? _progress;

    internal GpuCheckContext(CudaGpu gpu, IProgress<string>? progress, CancellationToken cancellation)
    {
        Gpu = gpu;
        _progress = progress;
        Cancellation = cancellation;
    }

    /// <summary>The GPU.</summary>
    public CudaGpu Gpu { get; }

    /// <summary>Whether it has so few multiprocessors that sizes of real models would take minutes.</summary>
    internal bool IsTiny => Gpu.Multiprocessors < LeastMultiprocessors;

    /// <summary>Stops the part.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>What was found so far.</summary>
    public IReadOnlyList<GpuFinding> Findings => _findings;

    /// <summary>Opens a device.</summary>
    internal CudaDevice Open(CudaPrecision precision = CudaPrecision.F32) => new(Gpu, precision);

    /// <summary>Adds a finding: something is as it should be, or not.</summary>
    internal void Checked(string name, bool passed, string detail) => Add(new GpuFinding(name, passed, detail));

    /// <summary>Adds a finding: something went wrong.</summary>
    internal void Failed(string name, string detail) => Checked(name, passed: false, detail);

    /// <summary>Adds a finding: how much of something.</summary>
    internal void Measured(string name, double value, string unit) =>
        Add(new GpuFinding(name, Passed: true, string.Create(CultureInfo.InvariantCulture, $"{value:0.####} {unit}"), value, unit));

    private void Add(GpuFinding finding)
    {
        Cancellation.ThrowIfCancellationRequested();
        _findings.Add(finding);
        _progress?.Report($"{(finding.Passed ? "good" : "PROBLEM"),-8} {finding.Name}: {finding.Detail}");
    }
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Name">What.</param>
/// <param name="Passed">Whether it is as it should be.</param>
/// <param name="Detail">What was found, in words.</param>
/// <param name="Value">What was measured; null for nothing.</param>
/// <param name="Unit">Unit of <paramref name="Value"/>.</param>
public sealed record GpuFinding(string Name, bool Passed, string Detail, double? Value = null, string? Unit = null);

/// <summary>What `moe gpu-check` found in one part.</summary>
public sealed record GpuCheckReport
{
    /// <summary>The part.</summary>
    public required string Part { get; init; }

    /// <summary>The GPU's name.</summary>
    public required string Gpu { get; init; }

    /// <summary>Its architecture.</summary>
    public required string Architecture { get; init; }

    /// <summary>Bytes of its memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The libraries of CUDA that were used.</summary>
    public required IReadOnlyList<CudaLibrary> Libraries { get; init; }

    /// <summary>Whether everything that can fail passed.</summary>
    public required bool Passed { get; init; }

    /// <summary>How long the part took.</summary>
    public required double Seconds { get; init; }

    /// <summary>Everything that was looked at.</summary>
    public required IReadOnlyList<GpuFinding> Findings { get; init; }
}

using MoEActors.Workers.Estimation;

namespace MoEActors.Cli.Health;

/// <summary>What a machine's properties mean for training, and what to do.</summary>
internal static class Diagnosis
{
    private const long Gibibyte = 1L << 30;

    /// <summary>The demo takes about half of this; anything larger needs more.</summary>
    private const long LeastMemory = 1 * Gibibyte;

    private const long ComfortableMemory = 4 * Gibibyte;

    /// <summary>A checkpoint of the demo takes 32 MB, and two of them are on disk while one is written.</summary>
    private const long LeastDisk = Gibibyte / 4;

    /// <summary>One finding per question, in the order in which they are asked.</summary>
    public static IReadOnlyList<Finding> Of(Machine machine) =>
    [
        Sdk(machine),
        Devices(machine),
        Gpus(machine),
        Nccl(machine),
        Instructions(machine),
        Cores(machine),
        Memory(machine),
        Disk(machine),
        Ports(machine),
        OpenBlas(machine),
    ];

    private static Finding Sdk(Machine machine) => machine.Sdk is { } sdk
        ? new(".NET", $"SDK {sdk}, running on {machine.DotNet}")
        : new(
            ".NET", $"running on {machine.DotNet}, without an SDK beside it", Verdict.Remark,
            "Install the .NET 10 SDK from https://dot.net/download: builds and the demo's text need it.");

    private static Finding Devices(Machine machine) => new(
        "devices", $"one CPU device for each silo{(machine.Processor is { } name ? $", on {name}" : "")}");

    private static Finding Gpus(Machine machine) => machine.GpuProblem is { } problem
        ? new(
            "GPUs", "none that can be used; silos compute on processors", machine.CudaLibraries.Count > 0 ? Verdict.Remark : Verdict.Good,
            machine.CudaLibraries.Count > 0 ? problem : $"Nothing, unless this machine has one: {problem}")
        : new("GPUs", string.Join("; ", machine.Gpus), Verdict.Good, $"Nothing: --device cuda uses them, moe gpu-check tries them. {string.Join(", ", machine.CudaLibraries)}.");

    /// <summary>What GPUs need to train together when they are in several processes; one process needs none of it.</summary>
    private static Finding Nccl(Machine machine) => machine.NcclProblem is { } problem
        ? new(
            "NCCL", "none that can be used; GPUs train together inside one process only", Verdict.Remark,
            $"Nothing, unless silos of several processes are to compute on GPUs: {problem}")
        : new("NCCL", machine.Nccl ?? "not needed without GPUs");

    private static Finding Instructions(Machine machine)
    {
        string vectors = machine.VectorBits switch { 512 => "512-bit vectors", 256 => "256-bit vectors", _ => "no vectors of 256 bits" };
        return !machine.HasFusedMultiplyAdd
            ? new(
                "instructions", $"{vectors}, no fused multiply-add", Verdict.Problem,
                "Results are right and very slow here: use a processor with FMA (x64 since 2013) or Arm64.")
            : machine.VectorBits < 512
                ? new(
                    "instructions", $"{vectors}, fused multiply-add", Verdict.Remark,
                    "Nothing to repair; kernels are fastest on processors with AVX-512.")
                : new("instructions", $"{vectors}, fused multiply-add");
    }

    private static Finding Cores(Machine machine) => machine.Cores < 2
        ? new("cores", $"{machine.Cores}", Verdict.Remark, "Nothing to repair; silos share the one core and take turns.")
        : new("cores", $"{machine.Cores}");

    private static Finding Memory(Machine machine) => new(
        "memory",
        $"{Gibibytes(machine.Memory)} for this process, {Gibibytes((long)(machine.Memory * MemoryBudget.DeviceShare))} of it for its workers",
        machine.Memory < LeastMemory ? Verdict.Problem : machine.Memory < ComfortableMemory ? Verdict.Remark : Verdict.Good,
        machine.Memory < ComfortableMemory ? "Train small models: a lower --dim, --hidden, --experts, --batch or --sequence; or raise the container's limit. See what a run needs: ./moe estimate" : null);

    private static Finding Disk(Machine machine)
    {
        string free = machine.Disk is { } bytes ? $"{Gibibytes(bytes)} free" : "free space unknown";
        return machine.FolderProblem is { } problem
            ? new(
                "disk", $"{free}; nothing can be written here: {problem}", Verdict.Problem,
                "Change to a folder that you may write to: runs and checkpoints go to runs/ of the current folder, or elsewhere with --runs.")
            : machine.Disk < LeastDisk
                ? new("disk", free, Verdict.Problem, "Free some space: a save that does not fit fails, and leaves the checkpoint before it whole.")
                : new("disk", free);
    }

    private static Finding Ports(Machine machine) => machine.TakenPorts.Count == 0
        ? new("ports", "11111 and 30000 are free")
        : new(
            "ports", $"{string.Join(" and ", machine.TakenPorts)} in use", Verdict.Remark,
            "Nothing for the commands of this program, which choose ports themselves or need none. A silo of your own listens there unless told otherwise: "
                + "stop the other program, or give UseLocalhostClustering or ConfigureEndpoints other ports.");

    private static Finding OpenBlas(Machine machine) => machine.OpenBlas is { } openBlas
        ? new("OpenBLAS", openBlas)
        : new("OpenBLAS", "not installed", Verdict.Good, "Nothing: only `moe bench gemm` uses it, as a baseline to compare with.");

    private static string Gibibytes(long bytes) => $"{(double)bytes / Gibibyte:0.0} GiB";
}

/// <summary>One thing that `moe doctor` looked at.</summary>
/// <param name="Name">What was looked at.</param>
/// <param name="Value">What was found.</param>
/// <param name="Verdict">Whether training works with it, and works well.</param>
/// <param name="WhatToDo">What to do about it; null when there is nothing to do.</param>
internal sealed record Finding(string Name, string Value, Verdict Verdict = Verdict.Good, string? WhatToDo = null);

/// <summary>What a finding means.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Everything works, something slower or less comfortably than it could.</summary>
    Remark,

    /// <summary>Training will fail or hardly move.</summary>
    Problem,
}

/// <summary>What `moe doctor --json` prints.</summary>
/// <param name="Healthy">Whether no finding is a problem.</param>
/// <param name="Findings">Everything that was looked at.</param>
internal sealed record DoctorReport(bool Healthy, IReadOnlyList<Finding> Findings);

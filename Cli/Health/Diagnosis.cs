using System.Globalization;
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
        Instructions(machine),
        Cores(machine),
        Memory(machine),
        Disk(machine),
        Ports(machine),
        OpenBlas(machine),
    ];

    private static Finding Sdk(Machine machine) => new()
    {
        Name = ".NET",
        Value = machine.Sdk is { } sdk ? $"SDK {sdk}, running on {machine.DotNet}" : $"running on {machine.DotNet}, without an SDK beside it",
        Verdict = machine.Sdk is null ? Verdict.Remark : Verdict.Good,
        WhatToDo = machine.Sdk is null ? "Install the .NET 10 SDK from https://dot.net/download: builds and the demo's text need it." : null,
    };

    private static Finding Devices(Machine machine) => new()
    {
        Name = "devices",
        Value = $"one CPU device for each silo{(machine.Processor is { } name ? $", on {name}" : "")}",
        WhatToDo = "Nothing: this build computes on processors alone, and uses no GPU that may be here.",
    };

    private static Finding Instructions(Machine machine)
    {
        string vectors = machine.VectorBits switch { 512 => "512-bit vectors", 256 => "256-bit vectors", _ => "no vectors of 256 bits" };
        return new Finding
        {
            Name = "instructions",
            Value = $"{vectors}, {(machine.HasFusedMultiplyAdd ? "fused multiply-add" : "no fused multiply-add")}",
            Verdict = !machine.HasFusedMultiplyAdd ? Verdict.Problem : machine.VectorBits < 512 ? Verdict.Remark : Verdict.Good,
            WhatToDo = !machine.HasFusedMultiplyAdd ? "Results are right and very slow here: use a processor with FMA (x64 since 2013) or Arm64."
                : machine.VectorBits < 512 ? "Nothing to repair; kernels are fastest on processors with AVX-512."
                : null,
        };
    }

    private static Finding Cores(Machine machine) => new()
    {
        Name = "cores",
        Value = machine.Cores.ToString(CultureInfo.InvariantCulture),
        Verdict = machine.Cores < 2 ? Verdict.Remark : Verdict.Good,
        WhatToDo = machine.Cores < 2 ? "Nothing to repair; silos share the one core and take turns." : null,
    };

    private static Finding Memory(Machine machine) => new()
    {
        Name = "memory",
        Value = $"{Gibibytes(machine.Memory)} for this process, {Gibibytes((long)(machine.Memory * MemoryBudget.DeviceShare))} of it for its workers",
        Verdict = machine.Memory < LeastMemory ? Verdict.Problem : machine.Memory < ComfortableMemory ? Verdict.Remark : Verdict.Good,
        WhatToDo = machine.Memory < ComfortableMemory ? "Train small models: a lower --dim, --hidden, --experts, --batch or --sequence; or raise the container's limit. See what a run needs: ./moe estimate" : null,
    };

    private static Finding Disk(Machine machine)
    {
        string free = machine.Disk is { } bytes ? $"{Gibibytes(bytes)} free" : "free space unknown";
        if (machine.FolderProblem is { } problem)
        {
            return new Finding
            {
                Name = "disk",
                Value = $"{free}; nothing can be written here: {problem}",
                Verdict = Verdict.Problem,
                WhatToDo = "Change to a folder that you may write to: runs and checkpoints go to runs/ of the current folder, or elsewhere with --runs.",
            };
        }

        bool small = machine.Disk < LeastDisk;
        return new Finding
        {
            Name = "disk",
            Value = free,
            Verdict = small ? Verdict.Problem : Verdict.Good,
            WhatToDo = small ? "Free some space: a save that does not fit fails, and leaves the checkpoint before it whole." : null,
        };
    }

    private static Finding Ports(Machine machine) => new()
    {
        Name = "ports",
        Value = machine.TakenPorts.Count == 0 ? "11111 and 30000 are free" : $"{string.Join(" and ", machine.TakenPorts)} in use",
        Verdict = machine.TakenPorts.Count == 0 ? Verdict.Good : Verdict.Remark,
        WhatToDo = machine.TakenPorts.Count == 0
            ? null
            : "Nothing for the commands of this program, which choose ports themselves or need none. A silo of your own listens there unless told otherwise: "
                + "stop the other program, or give UseLocalhostClustering or ConfigureEndpoints other ports.",
    };

    private static Finding OpenBlas(Machine machine) => new()
    {
        Name = "OpenBLAS",
        Value = machine.OpenBlas ?? "not installed",
        WhatToDo = machine.OpenBlas is null ? "Nothing: only `moe bench gemm` uses it, as a baseline to compare with." : null,
    };

    private static string Gibibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{(double)bytes / Gibibyte:0.0} GiB");
}

/// <summary>One thing that `moe doctor` looked at.</summary>
internal sealed record Finding
{
    /// <summary>What was looked at.</summary>
    public required string Name { get; init; }

    /// <summary>What was found.</summary>
    public required string Value { get; init; }

    /// <summary>Whether training works with it, and works well.</summary>
    public Verdict Verdict { get; init; } = Verdict.Good;

    /// <summary>What to do about it; null when there is nothing to do.</summary>
    public string? WhatToDo { get; init; }
}

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
internal sealed record DoctorReport(
    bool Healthy, IReadOnlyList<Finding> Findings);

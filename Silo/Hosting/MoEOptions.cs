using Microsoft.Extensions.Options;
using MoEActors.Grains.Durability;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Gates;
using MoEActors.Modules.KindChecks;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Models;
using MoEActors.Native;
using MoEActors.Native.Communication;

namespace MoEActors.Silo.Hosting;

/// <summary>
/// What a silo contributes to the cluster. Numbers and texts bind from the configuration section <see cref="Section"/>; what is set in code wins.
/// Everything is validated when the host starts, every mistake at once.
/// </summary>
public sealed class MoEOptions
{
    /// <summary>Section of the host's configuration that these options bind from.</summary>
    public const string Section = "MoE";

    /// <summary>What the silo computes on: <c>cpu</c>, <c>cuda</c> for every GPU of its machine, or <c>cuda:0,1</c> for some; <see cref="DeviceChoice"/>.</summary>
    public string Device { get; set; } = DeviceChoice.Cpu;

    /// <summary>CPU devices of the silo, or workers of each of its GPUs; one worker each.</summary>
    public int Devices { get; set; } = 1;

    /// <summary>Threads of each CPU device; 0 for cores / devices, at least one.</summary>
    public int ThreadsPerDevice { get; set; }

    /// <summary>Bytes that each device may allocate; null for its share of this process's memory, or of what is free on its GPU. What does not fit is refused before it is allocated.</summary>
    public long? MemoryPerDevice { get; set; }

    /// <summary>Folder that relative places of checkpoints and snapshots are in, made where it is not there; the current folder of the process unless set.</summary>
    public string? CheckpointRoot { get; set; }

    /// <summary>
    /// Steps from one snapshot of a run to the next; 0 for none. When a silo dies, the run goes back to the last one and learns again what came after it: a
    /// short interval costs more while all is well, a long one more when it is not.
    /// </summary>
    public int SnapshotInterval { get; set; } = 20;

    /// <summary>Where snapshots are, a path or a file: URI as places of checkpoints are; every silo of the cluster must reach it.</summary>
    public string SnapshotPlace { get; set; } = "snapshots";

    /// <summary>Opens devices of your own in place of those that <see cref="Device"/> and <see cref="Devices"/> say, one worker each.</summary>
    public Func<IReadOnlyList<IDevice>>? OpenDevices { get; set; }

    /// <summary>Keeps runs; must be the same store for every silo of the cluster. Null for the host's grain storage <see cref="Clustering.MoEClusteringExtensions.Storage"/>, or, without one, memory of this process.</summary>
    public IRunStore? Store { get; set; }

    /// <summary>
    /// Experts of your own, which configurations may then name. Every silo and every client of the cluster needs them. Expert kinds have no state, so
    /// that one object serves all.
    /// </summary>
    public IReadOnlyList<IExpertKind> ExpertKinds { get; set; } = [];

    /// <summary>Gates of your own, likewise.</summary>
    public IReadOnlyList<IGateKind> GateKinds { get; set; } = [];

    /// <summary>
    /// Whether the silo checks those kinds when it starts, by <see cref="ExpertKindCheck"/> and <see cref="GateKindCheck"/>: a wrong one trains all the
    /// same, only not well.
    /// </summary>
    public bool CheckKinds { get; set; } = true;

    /// <summary>Opens the data plane; must reach every silo of the cluster.</summary>
    public ICommunicatorProvider? Communicators { get; set; }

    /// <summary>Buffers that callers of layers in this process lend; one object for all of its silos and its client.</summary>
    public CallerBuffers? CallerBuffers { get; set; }

    /// <summary>What is wrong with numbers and texts, by the property that it is about. Makes <see cref="CheckpointRoot"/> where it is not there.</summary>
    public IEnumerable<(string Property, string Error)> Errors()
    {
        (bool Fits, string Property, object? Value, string Rule)[] rules =
        [
            (Devices >= 1, nameof(Devices), Devices, "at least 1"),
            (ThreadsPerDevice >= 0, nameof(ThreadsPerDevice), ThreadsPerDevice, "at least 1, or 0 for an equal share of the cores"),
            (MemoryPerDevice is null or >= 1, nameof(MemoryPerDevice), MemoryPerDevice, "at least 1 byte"),
            (SnapshotInterval >= 0, nameof(SnapshotInterval), SnapshotInterval, "at least 1 step, or 0 for no snapshots"),
            (!string.IsNullOrWhiteSpace(SnapshotPlace), nameof(SnapshotPlace), SnapshotPlace, "a folder, or a file: URI"),
        ];
        return
        [
            .. rules.Where(rule => !rule.Fits).Select(rule => (rule.Property, $"is {rule.Value}; it must be {rule.Rule}")),
            .. RootError() is { } unusable ? [(nameof(CheckpointRoot), unusable)] : Array.Empty<(string, string)>(),
            .. DeviceError() is { } error ? [(nameof(Device), error)] : Array.Empty<(string, string)>(),
        ];
    }

    /// <summary>Opens the silo's devices.</summary>
    internal IReadOnlyList<IDevice> Open() => OpenDevices?.Invoke()
        ?? DeviceChoice.Parse(Device).Open(Devices, ThreadsPerDevice);

    private string? RootError()
    {
        if (CheckpointRoot is null)
        {
            return null;
        }

        try
        {
            Directory.CreateDirectory(CheckpointRoot);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return $"is '{CheckpointRoot}'; it must be a folder, or the name of one that can be made: {e.Message.TrimEnd('.')}";
        }
    }

    private string? DeviceError()
    {
        try
        {
            return OpenDevices is null ? DeviceChoice.Parse(Device).Problem() is { } problem ? $"is {Device}, which is not here: {problem}" : null : null;
        }
        catch (FormatException e)
        {
            return $"is wrong: {e.Message}";
        }
    }
}

/// <summary>Checks <see cref="MoEOptions"/> when a silo's host starts.</summary>
internal sealed class MoEOptionsValidator : IValidateOptions<MoEOptions>
{
    /// <inheritdoc />
    public ValidateOptionsResult Validate(string? name, MoEOptions options)
    {
        List<string> errors = [.. options.Errors().Select(error => $"{MoEOptions.Section}:{error.Property} {error.Error}.")];
        try
        {
            ModelKinds.BuiltIn.With(options.ExpertKinds, options.GateKinds);
            if (options.CheckKinds)
            {
                errors.AddRange(options.ExpertKinds.Select(kind => Failure(() => ExpertKindCheck.Run(kind))).OfType<string>());
                errors.AddRange(options.GateKinds.Select(kind => Failure(() => GateKindCheck.Run(kind))).OfType<string>());
            }
        }
        catch (ArgumentException e)
        {
            errors.Add(e.Message);
        }

        return errors.Count > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;

        static string? Failure(Action check)
        {
            try
            {
                check();
                return null;
            }
            catch (KindException e)
            {
                return $"{e.Message} ({MoEOptions.Section}:{nameof(MoEOptions.CheckKinds)} = false leaves out the check.)";
            }
        }
    }
}

using System.Globalization;
using MoEActors.Native;
using MoEActors.Native.Cpu;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Hardware;
using MoEActors.Workers.Estimation;

namespace MoEActors.Silo.Hosting;

/// <summary>
/// The devices that silos compute on, as a text says it: <c>cpu</c>; <c>cuda</c> for every GPU of this machine; <c>cuda:0,2</c> for some of them. Behind a
/// slash stands how products on a GPU round their operands, as in <c>cuda/bf16</c> or <c>cuda/tf32</c>; <c>f32</c>, the default, rounds nothing.
/// </summary>
public sealed record DeviceChoice
{
    /// <summary>Processors.</summary>
    public const string Cpu = "cpu";

    private const string Cuda = "cuda";

    private readonly int[]? _gpus;
    private readonly CudaPrecision _precision;

    private DeviceChoice(int[]? gpus, bool isCuda, CudaPrecision precision) => (_gpus, IsCuda, _precision) = (gpus, isCuda, precision);

    /// <summary>Whether it is GPUs.</summary>
    public bool IsCuda { get; }

    /// <summary>What kind of devices they are: <see cref="IDevice.Kind"/> of each.</summary>
    public string Kind => IsCuda ? CudaDevice.KindOf(_precision) : Cpu;

    /// <summary>Reads a text.</summary>
    /// <exception cref="FormatException">It is none of the forms.</exception>
    public static DeviceChoice Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text == Cpu)
        {
            return new DeviceChoice(null, isCuda: false, default);
        }

        string[] parts = text.Split('/');
        string[] names = parts[0].Split(':');
        CudaPrecision precision = CudaPrecision.F32;
        bool fits = parts.Length <= 2 && names.Length <= 2 && names[0] == Cuda
            && (parts.Length == 1 || (Enum.TryParse(parts[1], ignoreCase: true, out precision) && !char.IsAsciiDigit(parts[1][0])));
        int[]? gpus = null;
        if (fits && names.Length == 2)
        {
            string[] numbers = names[1].Split(',');
            gpus = [.. numbers.Select(number => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int gpu) ? gpu : -1)];
            fits = !gpus.Contains(-1) && gpus.Distinct().Count() == gpus.Length;
        }

        return fits
            ? new DeviceChoice(gpus, isCuda: true, precision)
            : throw new FormatException($"'{text}' is none of cpu, cuda, cuda:0,1 (GPUs by number, each once), or one of the latter two with /f32, /tf32 or /bf16 behind it.");
    }

    /// <summary>What keeps this machine from opening them, and what to do; null for nothing.</summary>
    public string? Problem()
    {
        try
        {
            _ = Gpus();
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    /// <summary>Opens the devices of a silo that is alone on this machine.</summary>
    /// <param name="devices">CPU devices, or workers of each GPU.</param>
    /// <param name="threads">Threads of each CPU device; 0 for an equal share of the cores.</param>
    /// <exception cref="ArgumentException">This machine has no such GPU.</exception>
    public IReadOnlyList<IDevice> Open(int devices, int threads) => IsCuda
        ? [.. Gpus().SelectMany(gpu => Enumerable.Range(0, devices).Select(_ => (IDevice)new CudaDevice(gpu, _precision)))]
        : [.. Enumerable.Range(0, devices).Select(_ => (IDevice)new CpuDevice(threads > 0 ? threads : Math.Max(1, Environment.ProcessorCount / devices)))];

    /// <summary>Opens the share of one of several silos of this process: its GPUs, or, where there are fewer GPUs than silos, one that others use, too.</summary>
    /// <param name="silo">The silo, from 0.</param>
    /// <param name="silos">Silos of the process.</param>
    /// <param name="devices">Workers of each GPU.</param>
    internal IReadOnlyList<IDevice> OpenShare(int silo, int silos, int devices) =>
        [.. ShareOf(silo, silos).SelectMany(gpu => Enumerable.Range(0, devices).Select(_ => (IDevice)new CudaDevice(gpu, _precision)))];

    /// <summary>What each worker may allocate, of those that several silos of this process share out.</summary>
    /// <param name="silos">Silos of the process.</param>
    /// <param name="devices">CPU devices, or workers of each GPU, of each silo.</param>
    internal long MemoryPerWorker(int silos, int devices)
    {
        if (!IsCuda)
        {
            return MemoryBudget.Default(silos * devices);
        }

        // By GPU: the silos that have it.
        return Enumerable.Range(0, silos).SelectMany(silo => ShareOf(silo, silos)).CountBy(gpu => gpu)
            .Min(shared => (long)(shared.Key.FreeBytes * MemoryBudget.OwnMemoryShare / (shared.Value * devices)));
    }

    private CudaGpu[] ShareOf(int silo, int silos)
    {
        CudaGpu[] gpus = Gpus();
        return gpus.Length >= silos ? [.. gpus.Where((_, place) => place % silos == silo)] : [gpus[silo % gpus.Length]];
    }

    private CudaGpu[] Gpus() => !IsCuda ? []
        : _gpus is { } numbers ? [.. numbers.Select(CudaGpu.Get)]
        : CudaGpu.All.Problem is { } problem ? throw new ArgumentException($"There is no GPU to compute on: {problem}")
        : [.. CudaGpu.All.Gpus];
}

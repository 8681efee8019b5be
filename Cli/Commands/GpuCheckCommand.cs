using System.CommandLine;
using System.Text.Json;
using MoEActors.Benchmarks.Devices;
using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Cli.Commands;

/// <summary>`moe gpu-check`: whether a GPU computes what it should, and how fast.</summary>
internal static class GpuCheckCommand
{
    public static Command Create()
    {
        Option<string[]> parts = new("--part")
        {
            Description = $"What to check, of {string.Join(", ", GpuCheck.Parts.Select(part => part.Name))}; without it, everything.",
            HelpName = "NAME",
            Arity = ArgumentArity.OneOrMore,
            AllowMultipleArgumentsPerToken = true,
        };
        Option<int> gpu = NumberOption.Count("--gpu", "Number of the GPU, from 0.", 0, least: 0);
        Option<string?> folder = TextOption.Optional("--out", "FOLDER", "Folder for a JSON file of each part.");
        Command command = new("gpu-check", "Check a GPU: kernels, operations, products, training, and speed. Ends with 1 when something is wrong.") { parts, gpu, folder };
        return command.Runs(async (parsed, output, cancellation) =>
        {
            string[] chosen = parsed.GetValue(parts) is { Length: > 0 } named ? named : [.. GpuCheck.Parts.Select(part => part.Name)];
            if (chosen.FirstOrDefault(part => GpuCheck.Parts.All(one => one.Name != part)) is { } unknown)
            {
                throw new UsageException($"--part {unknown} is none of {string.Join(", ", GpuCheck.Parts.Select(part => part.Name))}.");
            }

            CudaGpu device = Gpu(parsed.GetValue(gpu));
            output.Out.WriteLine($"cuda:{device.Ordinal}, {device.Name} ({device.Architecture}), {(double)device.TotalBytes / (1L << 30):0.0} GiB");
            bool passed = true;
            foreach (string part in chosen)
            {
                output.Out.WriteLine($"{part}: {GpuCheck.Parts.Single(one => one.Name == part).About}");
                GpuCheckReport report = await GpuCheck.RunAsync(part, device, new Lines(output.Out), cancellation);
                passed &= report.Passed;
                if (parsed.GetValue(folder) is { } place)
                {
                    Directory.CreateDirectory(place);
                    await File.WriteAllTextAsync(Path.Combine(place, $"gpu-check-{part}.json"), JsonSerializer.Serialize(report, SnakeCase.Indented), cancellation);
                }

                output.Out.WriteLine($"{(report.Passed ? "good" : "PROBLEM"),-8} {part}, {report.Seconds:0.0} s");
            }

            return passed ? ExitCode.Done : ExitCode.Failed;
        });
    }

    private static CudaGpu Gpu(int ordinal)
    {
        try
        {
            return CudaGpu.Get(ordinal);
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>Lines at once, on the caller's thread: the last one before a crash must be seen.</summary>
    private sealed class Lines(TextWriter writer) : IProgress<string>
    {
        public void Report(string value)
        {
            writer.WriteLine(value);
            writer.Flush();
        }
    }
}

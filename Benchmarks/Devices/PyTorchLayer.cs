using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace MoEActors.Benchmarks.Devices;

/// <summary>The same layer in PyTorch on the same GPU, where this machine's Python has it.</summary>
internal static class PyTorchLayer
{
    private const string Script = "layer_peer.py";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Measures it; what keeps it from being measured is remarked on.</summary>
    public static IReadOnlyList<PeerTime> Measure(LayerShape shape, int steps, Action<string> remark)
    {
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}-{Script}");
        try
        {
            using (Stream source = typeof(PyTorchLayer).Assembly.GetManifestResourceStream(Script)!)
            using (FileStream target = File.Create(file))
            {
                source.CopyTo(target);
            }

            return Run(file, [shape.Tokens, shape.ModelDimension, shape.Hidden, shape.Experts, shape.TopK, steps], remark);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static PeerTime[] Run(string file, int[] arguments, Action<string> remark)
    {
        var start = new ProcessStartInfo("python3", [file, .. arguments.Select(argument => argument.ToString(CultureInfo.InvariantCulture))])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using Process python = Process.Start(start)!;
            Task<string> output = python.StandardOutput.ReadToEndAsync(), errors = python.StandardError.ReadToEndAsync();
            if (!python.WaitForExit(Patience))
            {
                python.Kill(entireProcessTree: true);
                remark($"PyTorch has not ended within {Patience.TotalSeconds:0} s");
            }
            else if (python.ExitCode != 0)
            {
                remark($"PyTorch cannot be measured: {errors.Result.Trim().Split('\n')[^1]}");
            }

            return [.. output.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<PeerTime>(line, Json)!)];
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            remark($"there is no python3: {e.Message}");
            return [];
        }
    }
}

/// <summary>What a peer took.</summary>
/// <param name="Name">Which variant of it.</param>
/// <param name="Milliseconds">Median of the steps.</param>
/// <param name="Torch">Version of PyTorch.</param>
internal sealed record PeerTime(string Name, double Milliseconds, string Torch);

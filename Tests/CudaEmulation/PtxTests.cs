using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using MoEActors.Native.Cuda.Kernels;

namespace MoEActors.Tests.CudaEmulation;

/// <summary>Every kernel is code that a GPU could run: clang makes PTX of it, for the oldest and the newest architecture in use.</summary>
public sealed partial class PtxTests
{
    private const string Compiler = "clang-19";
    private const int SharedBytes = 48 << 10;

    private static readonly Lazy<bool> IsInstalled = new(() =>
    {
        bool found = Run("--version").Status == 0;
        if (!found)
        {
            Console.WriteLine($"There is no {Compiler} to make PTX of the kernels with.");
        }

        return found;
    });

    public static MatrixTheoryData<string, string> Cases => new(KernelSource.Families, ["sm_80", "sm_90"]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Kernels_compile_to_PTX(string family, string architecture)
    {
        Assert.SkipUnless(IsInstalled.Value, $"There is no {Compiler}.");
        string sources = Path.GetDirectoryName(Here())!;
        string folder = Directory.CreateTempSubdirectory("ptx").FullName;
        try
        {
            string source = KernelSource.Of(family), input = Path.Combine(folder, "kernels.cu"), output = Path.Combine(folder, "kernels.ptx");
            File.WriteAllText(input, $"#include \"PtxPrelude.h\"\n{source}");
            (int status, string messages) = Run(
                "-x", "cuda", "--cuda-device-only", $"--cuda-gpu-arch={architecture}", "-nocudainc", "-nocudalib", "-nostdinc", "-std=c++17", "-O2", "-fmath-errno",
                "-Xclang", "-target-feature", "-Xclang", "+ptx78", "-Wno-unknown-cuda-version", $"-I{Path.Combine(sources, "Ptx")}",
                $"-I{Path.Combine(sources, "Compiler")}", "-S", "-o", output, input);
            Assert.True(status == 0, messages);
            string ptx = File.ReadAllText(output);
            File.WriteAllText(input, source);
            string expanded = Run("-E", "-P", "-x", "c++", input).Messages;
            Assert.Equal(KernelOf().Matches(expanded).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal),
                EntryOf().Matches(ptx).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));
            Assert.All(EntryOf().Matches(ptx), entry => Assert.InRange(SharedBytesOf(ptx, entry), 0, SharedBytes));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Shared_memory_of_a_kernel_is_what_its_text_names()
    {
        const string ptx = """
            .weak .shared .align 4 .b8 parts[128];
            .shared .align 4 .b8 other[4096];
            .visible .entry one(
            )
            {
                .shared .align 16 .b8 own[64];
                st.shared [parts], 1; st.shared [own], 1; st.shared [own+4], 1;
            }
            .visible .entry two(
            )
            {
                st.shared [other], 1;
            }
            """;
        Assert.Equal([192, 4096], EntryOf().Matches(ptx).Select(entry => SharedBytesOf(ptx, entry)));
    }

    /// <summary>Bytes of the shared variables that a kernel's code names.</summary>
    private static int SharedBytesOf(string ptx, Match entry)
    {
        int end = ptx.IndexOf(".entry", entry.Index + entry.Length, StringComparison.Ordinal);
        string code = end < 0 ? ptx[entry.Index..] : ptx[entry.Index..end];
        return SharedVariable().Matches(ptx)
            .Where(variable => Regex.IsMatch(code, $@"\b{Regex.Escape(variable.Groups[1].Value)}\b"))
            .Sum(variable => int.Parse(variable.Groups[2].Value, System.Globalization.CultureInfo.InvariantCulture));
    }

    private static (int Status, string Messages) Run(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(Compiler, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, errors + output.Result);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }
    }

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s+)?(\w+)\s*\(")]
    private static partial Regex KernelOf();

    [GeneratedRegex(@"\.entry (\w+)\(")]
    private static partial Regex EntryOf();

    [GeneratedRegex(@"\.shared \.align \d+ \.b8 (\w+)\[(\d+)\];")]
    private static partial Regex SharedVariable();
}

using System.Security.Cryptography;
using System.Text;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Cuda.Hardware;

namespace MoEActors.Native.Cuda.Kernels;

/// <summary>
/// Compiled kernels on disk, by the hash of everything that their code depends on: text, options, architecture, and which compiler. A folder that cannot be
/// written to costs time only. Every file begins with the hash of its content: one that was cut short is compiled again.
/// </summary>
internal static class KernelCache
{
    /// <summary>The variable that names another folder.</summary>
    public const string FolderVariable = "MOE_KERNEL_CACHE";

    private static string Folder => Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } chosen
        ? chosen
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "moeactors", "kernels");

    /// <summary>The code of a family for a GPU, compiled if it is not there.</summary>
    public static byte[] Get(CudaGpu gpu, string family)
    {
        string source = KernelSource.Of(family);
        string path = Path.Combine(Folder, $"{family}-{gpu.Architecture}-{Key(gpu, source)}.cubin");
        if (Read(path) is { } kept)
        {
            return kept;
        }

        byte[] image = KernelCompiler.Compile(gpu, family + ".cu", source);
        Write(path, image);
        return image;
    }

    private static string Key(CudaGpu gpu, string source)
    {
        string compiler = CudaLibraries.PathOf(Nvrtc.Library);
        string text = string.Join('\n', [.. KernelCompiler.OptionsFor(gpu), KernelCompiler.Version, compiler, LengthOf(compiler), source]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..32];
    }

    /// <summary>Tells a library from another build of it under one name; a name that the loader resolves says nothing more.</summary>
    private static string LengthOf(string path) => File.Exists(path) ? $"{new FileInfo(path).Length}" : "";

    private static byte[]? Read(string path)
    {
        try
        {
            byte[] file = File.ReadAllBytes(path);
            ReadOnlySpan<byte> image = file.AsSpan(Math.Min(SHA256.HashSizeInBytes, file.Length));
            return SHA256.HashData(image).AsSpan().SequenceEqual(file.AsSpan(0, file.Length - image.Length)) ? image.ToArray() : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Write(string path, byte[] image)
    {
        string temporary = $"{path}.{Environment.ProcessId}-{Environment.CurrentManagedThreadId}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(temporary, [.. SHA256.HashData(image), .. image]);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Compiled again next time.
        }
    }
}

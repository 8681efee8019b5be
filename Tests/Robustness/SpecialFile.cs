using System.Diagnostics;

namespace MoEActors.Tests.Robustness;

/// <summary>Files that are none: they never end, never begin, or lead nowhere.</summary>
internal static class SpecialFile
{
    /// <summary>Sixty-four gigabytes that take no room on the disk: <paramref name="start"/>, and zeros.</summary>
    public static string Huge(string path, byte[] start)
    {
        using FileStream file = File.Create(path);
        file.Write(start);
        file.SetLength(64L << 30);
        return path;
    }

    /// <summary>A link to a file that is not there.</summary>
    public static string BrokenLink(string path)
    {
        File.CreateSymbolicLink(path, path + ".nowhere");
        return path;
    }

    /// <summary>A pipe that nobody writes to: opening it would wait for ever. Null where there are none.</summary>
    public static async Task<string?> PipeAsync(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        using Process made = Process.Start("mkfifo", [path]);
        await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        return path;
    }
}

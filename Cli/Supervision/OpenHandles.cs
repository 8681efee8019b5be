namespace MoEActors.Cli.Supervision;

/// <summary>What a process of this machine has open, as Linux tells it.</summary>
internal static class OpenHandles
{
    /// <summary>What its handles lead to; those that are closed meanwhile are left out.</summary>
    /// <param name="process">Its number.</param>
    /// <exception cref="IOException">It has ended.</exception>
    /// <exception cref="UnauthorizedAccessException">It is somebody else's.</exception>
    public static IEnumerable<string> Of(int process) => Directory.EnumerateFiles($"/proc/{process}/fd").Select(NameOf).OfType<string>();

    private static string? NameOf(string handle)
    {
        try
        {
            return File.ResolveLinkTarget(handle, returnFinalTarget: false)?.Name ?? "";
        }
        catch (IOException)
        {
            return null;
        }
    }
}

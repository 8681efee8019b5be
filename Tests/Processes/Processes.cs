using System.Globalization;

namespace MoEActors.Tests.Processes;

/// <summary>What Linux tells of its processes.</summary>
internal static class Processes
{
    /// <summary>The processes that a process has started.</summary>
    public static IEnumerable<int> ChildrenOf(int parent) =>
        from folder in Directory.GetDirectories("/proc")
        let number = int.TryParse(Path.GetFileName(folder), out int id) ? id : 0
        where number > 0 && FieldsOf(number) is [_, string its, ..] && int.Parse(its, CultureInfo.InvariantCulture) == parent
        select number;

    /// <summary>Whether a process has not ended: one whose end nobody has asked after yet has.</summary>
    public static bool IsAlive(int process) => FieldsOf(process) is [not "Z", ..];

    /// <summary>The command line of a process.</summary>
    public static string Listed(int process) => File.ReadAllText($"/proc/{process}/cmdline").Replace('\0', ' ');

    /// <summary>The environment that a process was started with.</summary>
    public static string[] VariablesOf(int process) => File.ReadAllText($"/proc/{process}/environ").Split('\0');

    /// <summary>What stands behind its name: state, parent, and so on; null when there is no such process.</summary>
    private static string[]? FieldsOf(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (IOException)
        {
            return null;
        }
    }
}

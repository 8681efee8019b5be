namespace MoEActors.Modules.Checkpoints;

/// <summary>What a path names once every link in it has been followed.</summary>
/// <param name="Path">The path without links. It need not exist.</param>
/// <param name="IsOpenFile">Whether it was reached through the open files of a process, as /dev/stdout is: it may be a pipe, and then <paramref name="Path"/> names nothing.</param>
public readonly record struct RealPath(string Path, bool IsOpenFile)
{
    /// <summary>As many as Linux follows.</summary>
    private const int MostLinks = 40;

    /// <summary>Follows the links of a path.</summary>
    /// <returns>Null when they lead in a circle.</returns>
    public static RealPath? Of(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        string real = System.IO.Path.GetPathRoot(full)!;
        bool isOpenFile = false;
        int links = 0;
        Stack<string> rest = new();
        Push(full);
        while (rest.TryPop(out string? part))
        {
            if (part == "..")
            {
                real = System.IO.Path.GetDirectoryName(real) ?? real;
                continue;
            }

            string next = System.IO.Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MostLinks)
            {
                return null;
            }

            isOpenFile |= real.StartsWith("/proc/", StringComparison.Ordinal) && real.EndsWith("/fd", StringComparison.Ordinal);
            if (System.IO.Path.IsPathRooted(target))
            {
                real = System.IO.Path.GetPathRoot(target)!;
            }

            Push(target);
        }

        return new RealPath(real, isOpenFile);

        void Push(string text)
        {
            foreach (string part in text[System.IO.Path.GetPathRoot(text)!.Length..].Split(System.IO.Path.DirectorySeparatorChar).Reverse())
            {
                if (part is not ("" or "."))
                {
                    rest.Push(part);
                }
            }
        }
    }
}

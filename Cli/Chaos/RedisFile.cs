using System.Diagnostics;

namespace MoEActors.Cli.Chaos;

/// <summary>The file to which Redis appends what it is given.</summary>
/// <param name="path">The file.</param>
internal sealed class RedisFile(string path)
{
    /// <summary>Bytes at the end of the file that are damaged: less than one command.</summary>
    private const int Damaged = 8;

    private long _length = new FileInfo(path).Length;

    /// <summary>The file of a server.</summary>
    /// <param name="folder">What the server keeps.</param>
    public static RedisFile In(string folder) => new(Directory.GetFiles(Path.Combine(folder, "appendonlydir"), "*.incr.aof").Single());

    /// <summary>Remembers how long it is now.</summary>
    public void Remember() => _length = new FileInfo(path).Length;

    /// <summary>Loses something. The server must not run.</summary>
    public void Lose(StoreLoss loss)
    {
        using (FileStream file = new(path, FileMode.Open, FileAccess.Write))
        {
            if (loss == StoreLoss.Tail)
            {
                file.SetLength(_length);
                return;
            }

            file.Seek(-Math.Min(Damaged, file.Length), SeekOrigin.End);
            file.Write([.. Enumerable.Repeat((byte)'?', Damaged)]);
        }

        Repair();
    }

    /// <summary>As its operator would: Redis refuses to start with such a file, and says so.</summary>
    private void Repair()
    {
        using Process repair = Process.Start(new ProcessStartInfo("redis-check-aof", ["--fix", path]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        repair.StandardInput.WriteLine("y");
        repair.StandardOutput.ReadToEnd();
        repair.WaitForExit();
        if (repair.ExitCode != 0)
        {
            throw new InvalidOperationException($"redis-check-aof could not repair {path}.");
        }
    }
}

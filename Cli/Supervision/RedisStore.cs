using System.Diagnostics;
using System.Globalization;

namespace MoEActors.Cli.Supervision;

/// <summary>Redis in place of Garnet, as a child that keeps everything that it acknowledges and ends with its parent: faults are tried on it, as clusters of several machines have it.</summary>
internal static class RedisStore
{
    private const string Program = "redis-server";
    private const string Ready = "Ready to accept";

    /// <summary>Where the server is; null where there is none on the PATH.</summary>
    public static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, Program)).FirstOrDefault(File.Exists);

    /// <inheritdoc cref="LocalStore.RunAsync" />
    /// <returns>Redis' exit code, when it has ended by itself; 0 when it was asked to.</returns>
    public static async Task<int> RunAsync(
        int port, string folder, string? password, TextWriter output, CancellationToken parentGone, CancellationToken ending)
    {
        Directory.CreateDirectory(folder);
        string settings = Path.Combine(folder, "redis.conf");
        Write(settings, port, Path.GetFullPath(folder), password);
        string program = Find() ?? throw new FileNotFoundException($"There is no {Program} on the PATH.");
        using Process redis = Process.Start(new ProcessStartInfo(program, [settings]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        Task listening = ListenAsync(redis, port, output);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(parentGone, ending);
        await redis.WaitForExitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (either.IsCancellationRequested)
        {
            // Silos that end at the same time say that they leave.
            await Task.Delay(LocalStore.Afterlife, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            redis.Kill();
        }

        await listening;
        await redis.WaitForExitAsync(CancellationToken.None);
        return either.IsCancellationRequested ? ExitCode.Done : redis.ExitCode;
    }

    /// <summary>The settings that docs/deploy.md asks for, in a file that only this user can read, as the password is in it.</summary>
    private static void Write(string file, int port, string folder, string? password)
    {
        File.Delete(file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(file, options);
        writer.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            port {port}
            bind 127.0.0.1
            dir "{folder}"
            save ""
            appendonly yes
            appendfsync always
            maxmemory-policy noeviction
            daemonize no

            """));
        if (password is not null)
        {
            writer.WriteLine($"requirepass {password}");
        }
    }

    private static async Task ListenAsync(Process redis, int port, TextWriter output)
    {
        while (await redis.StandardOutput.ReadLineAsync() is { } line)
        {
            output.WriteLine(line);
            if (line.Contains(Ready, StringComparison.Ordinal))
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{LocalStore.Serves}{port}"));
            }
        }
    }
}

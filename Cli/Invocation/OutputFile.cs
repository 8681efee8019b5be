using System.Runtime.InteropServices;
using System.Text;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Invocation;

/// <summary>
/// A file that a user names for a command's result. Links are followed. A file with content is replaced as a whole, so that a reader sees the old content or
/// the new; what has none to replace - a pipe, a device, an empty file - and what is open already, such as /dev/stdout, is written where it is.
/// </summary>
internal static partial class OutputFile
{
    private const int MayWrite = 2;

    /// <summary>Time after which it is said what is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly DiskFileStore Disk = new();

    private enum Way
    {
        /// <summary>A new file takes the name.</summary>
        Replace,

        /// <summary>Its folder takes no new file: the content is written over.</summary>
        Overwrite,

        /// <summary>Pipes, devices and open files go on where they are.</summary>
        Append,
    }

    /// <summary>Asks, before the work, whether its result can be written. Nothing is left behind, and no pipe is opened: its reader would take that for the end.</summary>
    /// <exception cref="UsageException">It cannot.</exception>
    public static void RequireWritable(string option, string? file)
    {
        if (file is not null && Problem(file) is { } problem)
        {
            throw new UsageException($"{option} {file} is no file that can be written: {problem}.");
        }
    }

    /// <summary>Writes a text.</summary>
    /// <inheritdoc cref="WriteAsync(string, Action{Stream}, CommandOutput, TimeProvider, CancellationToken)" />
    public static Task WriteAsync(string file, string text, CommandOutput output, CancellationToken cancellation) =>
        WriteAsync(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)), output, TimeProvider.System, cancellation);

    /// <summary>Writes a file. A pipe that nobody reads takes nothing: then it is said what is waited for, until somebody reads it or it is given up.</summary>
    /// <param name="file">The file.</param>
    /// <param name="content">Writes the content.</param>
    /// <param name="output">Where that is said.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <exception cref="IOException">It cannot be written; the message names it.</exception>
    /// <exception cref="StoppedException">It was given up.</exception>
    public static async Task WriteAsync(string file, Action<Stream> content, CommandOutput output, TimeProvider time, CancellationToken cancellation)
    {
        // A thread that may be left behind: nothing ends the opening of a pipe but its reader, or the end of the process.
        var writing = Task.Factory.StartNew(() => Write(file, content), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await Task.WhenAny(writing, Task.Delay(Patience, time, cancellation));
            if (!writing.IsCompleted && !cancellation.IsCancellationRequested)
            {
                output.Error.WriteLine($"Waiting for {file} to take the result: a pipe does when somebody reads it. Ctrl-C gives it up.");
            }

            await writing.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new StoppedException($"the result was not written to {file}, which has taken nothing.", cancellation);
        }
    }

    private static void Write(string file, Action<Stream> content)
    {
        try
        {
            (string target, Way way) = PlaceOf(file);
            if (way == Way.Replace)
            {
                Replace(target, content);
                return;
            }

            using FileStream stream = new(target, way == Way.Append ? FileMode.Append : FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite);
            content(stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{file} cannot be written: {e.Message}", e);
        }
    }

    private static void Replace(string target, Action<Stream> content)
    {
        UnixFileMode? mode = !OperatingSystem.IsWindows() && File.Exists(target) ? File.GetUnixFileMode(target) : null;
        Disk.Write(target, stream =>
        {
            if (!OperatingSystem.IsWindows() && mode is { } kept && stream is FileStream file)
            {
                File.SetUnixFileMode(file.SafeFileHandle, kept);
            }

            content(stream);
        });
    }

    private static string? Problem(string file)
    {
        try
        {
            if (Directory.Exists(file))
            {
                return "it is a folder";
            }

            (string target, Way way) = PlaceOf(file);
            string folder = Path.GetDirectoryName(target) ?? target;
            return way != Way.Replace ? (IsWritable(target) ? null : "there is no permission to write to it")
                : !Directory.Exists(folder) ? $"there is no folder {folder}"
                : ProblemBeside(target);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return e.Message.TrimEnd('.');
        }
    }

    /// <summary>What is written in the end, and how.</summary>
    private static (string Target, Way Way) PlaceOf(string file)
    {
        RealPath real = RealPath.Of(file) ?? throw new IOException("its links lead in a circle");
        return real.IsOpenFile ? (file, Way.Append)
            : !File.Exists(real.Path) ? (real.Path, Way.Replace)
            : new FileInfo(real.Path).Length == 0 ? (real.Path, Way.Append)
            : (real.Path, ProblemBeside(real.Path) is null ? Way.Replace : Way.Overwrite);
    }

    /// <summary>Why no file can be made beside another; null when one can.</summary>
    private static string? ProblemBeside(string target)
    {
        try
        {
            new FileStream(target + DiskFileStore.Unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message.TrimEnd('.');
        }
    }

    private static bool IsWritable(string path) => OperatingSystem.IsWindows() || Access(path, MayWrite) == 0;

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}

using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Invocation;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Cli.Runs;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Robustness;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>Files that users name for results: what is there already stays what it is.</summary>
public sealed class OutputFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_link_stays_a_link_and_its_target_gets_the_content()
    {
        string target = _folder.Write("far/target.json", "old");
        Directory.CreateDirectory(In("near"));
        File.CreateSymbolicLink(In("near/first.json"), "../far/target.json");
        File.CreateSymbolicLink(In("near/second.json"), In("near/first.json"));
        OutputFile.RequireWritable("--json", In("near/second.json"));
        Assert.Equal("old", File.ReadAllText(target));
        await WriteAsync(In("near/second.json"), "new");
        Assert.Equal("new", File.ReadAllText(target));
        Assert.Equal("../far/target.json", new FileInfo(In("near/first.json")).LinkTarget);
        Assert.NotNull(new FileInfo(In("near/second.json")).LinkTarget);
        Assert.Equal([target], Directory.GetFiles(In("far")));
    }

    [Fact]
    public async Task A_link_to_a_file_that_is_not_there_yet_makes_it()
    {
        Directory.CreateDirectory(In("far"));
        File.CreateSymbolicLink(In("link.json"), "far/new.json");
        OutputFile.RequireWritable("--json", In("link.json"));
        Assert.Empty(Directory.GetFiles(In("far")));
        await WriteAsync(In("link.json"), "new");
        Assert.Equal("new", File.ReadAllText(In("far/new.json")));
        Assert.Equal("far/new.json", new FileInfo(In("link.json")).LinkTarget);
    }

    [Fact]
    public async Task The_reader_of_a_pipe_gets_the_content_and_not_an_end_before_it()
    {
        string? pipe = await SpecialFile.PipeAsync(In("pipe"));
        Assert.SkipWhen(pipe is null, "There are no named pipes here.");
        Task<string> read = Task.Run(() => File.ReadAllText(pipe), Cancellation);
        OutputFile.RequireWritable("--json", pipe);
        await WriteAsync(pipe, "content");
        Assert.Equal("content", await read.WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
        Assert.Equal([pipe], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task A_pipe_that_nobody_reads_is_waited_for_aloud_until_it_is_given_up()
    {
        string? pipe = await SpecialFile.PipeAsync(In("pipe"));
        Assert.SkipWhen(pipe is null, "There are no named pipes here.");
        var time = new FakeTimeProvider();
        using var given = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        using var error = new CancellingWriter(given, "Waiting for");
        Task writing = OutputFile.WriteAsync(pipe, stream => stream.WriteByte(1), new CommandOutput(TextWriter.Null, error, Verbose: false), time, given.Token);
        time.Advance(TimeSpan.FromSeconds(1));
        StoppedException stopped = await Assert.ThrowsAsync<StoppedException>(() => writing.WaitAsync(Deadline.Patience, Cancellation));
        Assert.Contains($"the result was not written to {pipe}", stopped.Message, StringComparison.Ordinal);
        Assert.Equal($"Waiting for {pipe} to take the result: a pipe does when somebody reads it. Ctrl-C gives it up.", error.ToString().TrimEnd());

        // The thread that was left behind, which ends with a process, ends with a reader, too.
        using FileStream reader = File.OpenRead(pipe);
        Assert.Equal(1, reader.ReadByte());
    }

    [Fact]
    public async Task A_device_stays_a_device_and_one_that_is_full_is_named()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        OutputFile.RequireWritable("--json", "/dev/full");
        IOException full = await Assert.ThrowsAsync<IOException>(() => WriteAsync("/dev/full", "content"));
        Assert.StartsWith("/dev/full cannot be written: No space left on device", full.Message, StringComparison.Ordinal);
        using FileStream device = File.OpenRead("/dev/full");
        Assert.Equal(0, device.ReadByte());
    }

    [Fact]
    public async Task What_is_open_already_goes_on_and_is_not_replaced()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There is no /proc here.");
        string log = _folder.Write("log", "before\n");
        using FileStream open = new(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        string name = $"/proc/self/fd/{open.SafeFileHandle.DangerousGetHandle()}";
        Assert.True(RealPath.Of(name)!.Value.IsOpenFile);
        Assert.False(RealPath.Of(log)!.Value.IsOpenFile);
        OutputFile.RequireWritable("--json", name);
        await WriteAsync(name, "result");
        Assert.Equal("before\nresult", File.ReadAllText(log));
    }

    [Fact]
    public async Task Permissions_stay()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no such permissions here.");
            return;
        }

        const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        foreach (string content in new[] { "", "old" })
        {
            string file = _folder.Write("private.json", content);
            File.SetUnixFileMode(file, Mine);
            await WriteAsync(file, "new");
            Assert.Equal(("new", Mine), (File.ReadAllText(file), File.GetUnixFileMode(file)));
        }
    }

    [Fact]
    public async Task What_cannot_be_written_is_refused_before_any_work()
    {
        string text = _folder.Write("text.txt", string.Concat(Enumerable.Repeat("some text\n", 1000)));
        Directory.CreateDirectory(In("folder"));
        File.CreateSymbolicLink(In("circle"), In("circle"));
        File.CreateSymbolicLink(In("to-folder"), In("folder"));
        File.CreateSymbolicLink(In("lost"), In("no/such/file"));
        foreach (string file in new[] { In("folder"), In("circle"), In("to-folder"), In("lost"), In("no/such/file"), In("text.txt/file"), "" })
        {
            string[][] commands =
            [
                ["train", "--text", text, "--runs", In("runs"), "--steps", "1", "--json", file],
                ["demo", "--output", In("runs"), "--steps", "1", "--json", file],
                ["simulate", "trace", "--out", file],
                ["simulate", "record", "--text", text, "--out", file],
            ];
            foreach (string[] command in commands)
            {
                CommandLineRun run = await CommandLineRun.Of(command);
                Assert.Equal((ExitCode.WrongUsage, ""), (run.ExitCode, run.Output));
                Assert.Contains($" {file} is no file that can be written: ", run.Error, StringComparison.Ordinal);
            }
        }

        Assert.False(Directory.Exists(In("runs")));
        Assert.Equal([In("text.txt")], Directory.GetFiles(_folder.Path).Where(file => new FileInfo(file).LinkTarget is null));
    }

    [Theory]
    [InlineData("status")]
    [InlineData("--help")]
    [InlineData("doctor --json")]
    public async Task Standard_output_that_is_full_is_named(string arguments)
    {
        using StringWriter error = new();
        using ProgramWriter output = new(new FullWriter(), isTerminal: false, "standard output");
        int code = await MoEActors.Cli.CommandLine.RunAsync(arguments.Split(' '), output, error, Cancellation);
        Assert.Equal(ExitCode.Failed, code);
        Assert.EndsWith(": standard output cannot be written: No space left on device", error.ToString().TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Remarks_that_nobody_can_read_stop_nothing()
    {
        using StringWriter output = new();
        using ProgramWriter error = new(new FullWriter(), isTerminal: false, name: null);
        Assert.Equal(ExitCode.WrongUsage, await MoEActors.Cli.CommandLine.RunAsync(["demo", "--bogus"], output, error, Cancellation));
    }

    private static Task WriteAsync(string file, string text) => OutputFile.WriteAsync(file, text, new CommandOutput(TextWriter.Null, TextWriter.Null, Verbose: false), Cancellation);

    private string In(string name) => Path.Combine(_folder.Path, name);

    private sealed class FullWriter : StringWriter
    {
        public override void Write(char value) => throw new IOException("No space left on device");

        public override void Write(string? value) => throw new IOException("No space left on device");

        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }
}

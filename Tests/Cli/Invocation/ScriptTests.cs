using System.Diagnostics;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>The script `moe` on machines that are not as it needs them: it says what is so, and no guess.</summary>
public sealed class ScriptTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("ulimit -s 64", "moe: too small a stack for .NET, which hangs or aborts (ulimit -s is 64). Raise the limit to 1024 or more: ulimit -s 1024")]
    [InlineData("ulimit -f 20", "moe: too small files for .NET, which maps its memory by one (ulimit -f is 20). Raise the limit to 100000 or more: ulimit -f 100000")]
    [InlineData("ulimit -n 128", "moe: too few files may be open at a time (ulimit -n is 128). Raise the limit to 256 or more: ulimit -n 256")]
    public async Task A_limit_that_is_too_low_is_named(string limit, string said) => Assert.Equal((1, said), await RunAsync($"{limit}; ./moe status"));

    [Theory]
    [InlineData("echo 9.0.100", ".NET SDK 10 or newer is needed; `dotnet` here is 9.0.100.")]
    [InlineData("echo 'No SDKs were found.' >&2; exit 145", "`dotnet --version` here failed: No SDKs were found.")]
    public async Task What_dotnet_says_is_passed_on(string dotnet, string said)
    {
        string program = _folder.Write("dotnet", $"#!/bin/sh\n{dotnet}\n");
        (int code, string error) = await RunAsync($"chmod +x {program}; PATH={_folder.Path}:$PATH ./moe status");
        Assert.Equal(1, code);
        Assert.Contains(said, error, StringComparison.Ordinal);
    }

    /// <summary>The SDK itself refuses to say its version then; another is put in its place that asks for what the SDK asks for.</summary>
    [Theory]
    [InlineData("HOME=/nonexistent")]
    [InlineData("")]
    public async Task A_home_that_cannot_be_written_to_is_made_up_for(string home)
    {
        string program = _folder.Write("dotnet", "#!/bin/sh\n[ -w \"$DOTNET_CLI_HOME\" ] && echo 9.9.9 || echo 'Set DOTNET_CLI_HOME.'\n");
        (int code, string error) = await RunAsync($"chmod +x {program}; env -u DOTNET_CLI_HOME -u HOME TMPDIR={_folder.Path} {home} PATH={_folder.Path}:$PATH ./moe status");
        Assert.Equal(1, code);
        Assert.Contains("`dotnet` here is 9.9.9.", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Error)> RunAsync(string command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The script is for bash.");
        using Process script = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardError = true, WorkingDirectory = FindRepository() })!;
        string error = await script.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await script.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (script.ExitCode, error.TrimEnd());
    }

    private static string FindRepository()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MoEActors.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run within the repository.");
        }

        return folder;
    }
}

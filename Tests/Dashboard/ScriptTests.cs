using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace MoEActors.Tests.Dashboard;

/// <summary>The page's scripts: their types, as JSDoc has them, and their format. The tools come from npm; where they are not installed, this is skipped.</summary>
public sealed class ScriptTests
{
    private static readonly string Tools = ToolsFolder();

    [Fact]
    public Task Types_are_right() => RunAsync("tsc", "-p", Path.Combine(Tools, "jsconfig.json"));

    [Fact]
    public Task They_are_formatted() => RunAsync(
        "prettier", "--no-editorconfig", "--config", Path.Combine(Tools, "prettier.json"), "--check", "Dashboard/Page/**/*.js", "!Dashboard/Page/vendor/**");

    private static async Task RunAsync(string tool, params string[] arguments)
    {
        string program = Path.Combine(Tools, "node_modules", ".bin", tool);
        Assert.SkipUnless(File.Exists(program), $"There is no {tool}; 'npm ci --prefix Tests/Dashboard/Tools' installs it.");
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Path.Combine(Tools, "..", "..", ".."),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await error;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, said);
    }

    private static string ToolsFolder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Tools");
}

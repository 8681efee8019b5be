using System.Text.Json;
using MoEActors.Cli.Runs;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli.Runs;

/// <summary>A folder of runs of a model so small that twenty steps take no time, and of the text that they are on.</summary>
internal sealed class RunsFolder : IDisposable
{
    private const string Shape =
        "--sequence 16 --dim 16 --layers 2 --heads 2 --kv-heads 1 --experts 4 --hidden 16 --batch 4 --silos 2";

    private readonly TemporaryFolder _folder = new();

    public RunsFolder() => Text = _folder.Write(
        "text.txt", string.Concat(Enumerable.Range(0, 400).Select(i => $"{i} times {i % 7} makes {i * (i % 7)}.\n")));

    public string Text { get; }

    public string Path => _folder.Path;

    public string[] Train(string name, string more = "") =>
        [.. $"train --text {Text} --runs {Path} --name {name} {Shape} {more}".Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    public string[] Resume(string name, string more = "") =>
        [.. $"resume {name} --runs {Path} {more}".Split(' ', StringSplitOptions.RemoveEmptyEntries)];

    public string Write(string name, string text) => _folder.Write(name, text);

    public RunFolder Folder(string name) => RunFolder.At(System.IO.Path.Combine(Path, name));

    /// <summary>What the run wrote with --json.</summary>
    public JsonElement Result(string file)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(System.IO.Path.Combine(Path, file)));
        return json.RootElement.Clone();
    }

    public void Dispose() => _folder.Dispose();
}

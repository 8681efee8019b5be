using System.Text.Json.Nodes;
using MoEActors.Modules.Checkpoints;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Checkpoints;

/// <summary>An index that cannot be read is refused with the file and what is wrong with it, in words for its reader.</summary>
public sealed class IndexTests : IDisposable
{
    private static readonly string Whole = CheckpointIndex.Write(TrainingRuns.Small, 3, "here", [], null, [new CheckpointFile("a.safetensors", ["a"], 4, [])]);

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "metadata", "null", "its metadata is null; it must be an object" },
        { "metadata", "[]", "its metadata is []; it must be an object" },
        { "metadata", "-", "it has no metadata" },
        { "metadata.run", "null", "its metadata.run is null; it must be an object" },
        { "metadata.run", "{ \"model\": null }", "model" },
        { "metadata.run", "{ \"model\": { \"dim\": \"wide\" } }", "$.model.dim" },
        { "metadata.step", "null", "its metadata.step is null; it must be a number" },
        { "metadata.step", "1.5", "its metadata.step is 1.5; it must be a whole number" },
        { "metadata.step", "-1", "its step is negative" },
        { "metadata.step", "-", "it has no metadata.step" },
        { "metadata.cursor", "7", "its metadata.cursor is 7; it must be a text" },
        { "metadata.gates", "{}", "its metadata.gates is {}; it must be a list" },
        { "metadata.gates", "[null]", "its metadata.gates has something else than a policy" },
        { "metadata.gates", "[{ \"layer\": 0, \"from_step\": 1, \"options\": null }]", "its metadata.gates.options is null; it must be an object" },
        { "metadata.gates", "[{ \"layer\": 4294967296, \"from_step\": 1, \"options\": {} }]", "the gate of layer 4294967296 cannot work" },
        { "weight_map", "null", "its weight_map is null; it must be an object" },
        { "weight_map", "-", "it has no weight_map" },
        { "weight_map", "{ \"a\": null }", "the file of tensor 'a' is null; it must be a text" },
        { "weight_map", "{ \"a\": \"../b\" }", "which is no file name" },
        { "optimizer_map", "3", "its optimizer_map is 3; it must be an object" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Mistakes))]
    public void A_member_that_is_something_else_is_named(string path, string value, string says)
    {
        JsonNode index = JsonNode.Parse(Whole)!;
        string[] names = path.Split('.');
        JsonObject parent = names.SkipLast(1).Aggregate(index, (node, name) => node[name]!).AsObject();
        parent.Remove(names[^1]);
        if (value != "-")
        {
            parent[names[^1]] = JsonNode.Parse(value);
        }

        AssertRefused(index.ToJsonString(), says);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("{", "it is no JSON from line 1, byte 2 on")]
    [InlineData("{\n  nothing\n}", "it is no JSON from line 2, byte 3 on")]
    [InlineData("null", "it is null; it must be one object in braces")]
    [InlineData("[]", "it is []; it must be one object in braces")]
    [InlineData("{ \"metadata\": {}, \"metadata\": {} }", "it is no JSON that has one meaning")]
    public void A_text_that_is_no_object_is_refused(string text, string says) => AssertRefused(text, says);

    [Fact]
    public void What_was_written_is_read()
    {
        _folder.Write(CheckpointFolder.IndexFile, Whole);
        var read = CheckpointFolder.Open(_folder.Path);
        Assert.Equal((3L, "here", TrainingRuns.Small.ToJson(), false), (read.Step, read.Cursor, read.Run.ToJson(), read.HasChecksums));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named_with_what_to_do()
    {
        string nowhere = Path.Combine(_folder.Path, "nowhere"), file = _folder.Write("file", "text");
        (string Folder, string Says)[] cases =
        [
            (nowhere, $"There is no folder '{nowhere}'."),
            (Path.Combine(nowhere, "deeper"), $"There is no folder '{Path.Combine(nowhere, "deeper")}'."),
            (_folder.Path, $"There is no file '{Path.Combine(_folder.Path, CheckpointFolder.IndexFile)}'."),
            (file, $"'{file}' is a file, not a folder."),
        ];
        Assert.All(cases, one =>
        {
            CheckpointException refused = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(one.Folder));
            Assert.Contains($"'{one.Folder}': {one.Says} Check the path: a checkpoint is a folder with a file {CheckpointFolder.IndexFile}.", refused.Message, StringComparison.Ordinal);
        });
        IOException unwritten = Assert.Throws<IOException>(() => new DiskFileStore().Write(Path.Combine(nowhere, "a.json"), _ => { }));
        Assert.Equal($"There is no folder '{nowhere}' to write to; make it, or choose another.", unwritten.Message);
    }

    private void AssertRefused(string text, string says)
    {
        _folder.Write(CheckpointFolder.IndexFile, text);
        CheckpointException refused = Assert.Throws<CheckpointException>(() => CheckpointFolder.Open(_folder.Path));
        Assert.Contains(_folder.Path, refused.Message, StringComparison.Ordinal);
        Assert.Contains(CheckpointFolder.IndexFile, refused.Message, StringComparison.Ordinal);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        string[] raw = ["The requested operation", "element has type", "BytePositionInLine", "given key"];
        Assert.All(raw, words => Assert.DoesNotContain(words, refused.Message, StringComparison.Ordinal));
    }
}

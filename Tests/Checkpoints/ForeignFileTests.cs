using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Checkpoints;
using MoEActors.Modules.Models;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Checkpoints;

/// <summary>A save deletes what saves have written and replaces what is the model's own; everything else in the folder is somebody's and stays.</summary>
public sealed class ForeignFileTests : IDisposable
{
    private static readonly RunConfiguration Run = TrainingRuns.Small;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Checkpoint => Path.Combine(_folder.Path, "checkpoint");

    private string Index => Path.Combine(Checkpoint, CheckpointFolder.IndexFile);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Files_that_only_look_like_ours_stay_and_ours_go()
    {
        string[] theirs =
        [
            "lora-step-1000.safetensors", "notes-step-3.safetensors.txt", "model-00001-of-00002.safetensors", "model-step-5.safetensors",
            "model-step-00000001-0123abcd-00001-of-00002.safetensors.bak", "my-model-step-00000001-0123abcd-00001-of-00002.safetensors",
            "model-step-00000001-0123ABCD-00001-of-00002.safetensors", "model-step-00000001-0123abcd-00001-of-00002.safetensors\n",
            "config.json.unfinished", "model.safetensors.index.json.unfinished", "optimizer-step-00000001-0123abcd-1-of-2.safetensors",
            "model-step-00000001-0123abcd-00001-of-00002.safetensors/inside.txt",
        ];
        string[] ours =
        [
            "model-step-00000009-0123abcd-00001-of-00002.safetensors", "optimizer-step-123456789-0123abcd-00001-of-00002.safetensors.unfinished",
            "model-step-00000009-0123abcd-00002-of-00002.safetensors.89abcdef.unfinished", "config.json.89abcdef.unfinished",
        ];
        Array.ForEach([.. theirs, .. ours], name => _folder.Write($"checkpoint/{name}", name));
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        for (int saves = 1; saves <= 2; saves++)
        {
            await model.SaveAsync(Checkpoint, cancellationToken: Cancellation);
            Assert.All(theirs, name => Assert.Equal(name, File.ReadAllText(Path.Combine(Checkpoint, name))));
            Assert.All(ours, name => Assert.False(File.Exists(Path.Combine(Checkpoint, name)), name));

            // Two files of two workers, description and index.
            Assert.Equal(theirs.Length - 1 + 6, Directory.GetFiles(Checkpoint).Length);
        }
    }

    [Theory]
    [InlineData("""{ "metadata": { "total_size": 5 }, "weight_map": { "a": "model.safetensors" } }""", null, "a checkpoint of another program")]
    [InlineData(null, """{ "model_type": "mixtral", "hidden_size": 4096 }""", "a model of another program")]
    [InlineData("""{ "weight_map": 3 }""", null, "its weight_map is 3; it must be an object")]
    [InlineData("nothing", """{ "model_type": "mixtral" }""", "it is no JSON from line 1")]
    [InlineData(null, "[1]", "it is [1]; it must be one object in braces")]
    public async Task A_folder_of_another_program_is_refused_unless_it_may_be_overwritten(string? index, string? description, string says)
    {
        List<(string Name, string Text)> theirs = [("model-00001-of-00002.safetensors", "weights")];
        theirs.AddRange(index is null ? [] : [(CheckpointFolder.IndexFile, index)]);
        theirs.AddRange(description is null ? [] : [(CheckpointFolder.ModelFile, description)]);
        theirs.ForEach(file => _folder.Write($"checkpoint/{file.Name}", file.Text));
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel model = await cluster.Client.CreateModelAsync(cluster["m"], Run, null, Cancellation);
        CheckpointFailedException refused =
            await Assert.ThrowsAsync<CheckpointFailedException>(() => model.SaveAsync(Checkpoint, cancellationToken: Cancellation));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"'{Checkpoint}'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("choose another folder, or allow it to overwrite", refused.Message, StringComparison.Ordinal);
        Assert.Equal(theirs.Count, Directory.GetFiles(Checkpoint).Length);
        Assert.All(theirs, file => Assert.Equal(file.Text, File.ReadAllText(Path.Combine(Checkpoint, file.Name))));

        await model.SaveAsync(Checkpoint, "mine", overwrite: true, Cancellation);
        Assert.Equal("mine", CheckpointFolder.Open(Checkpoint).Cursor);
        Assert.Equal("weights", await File.ReadAllTextAsync(Path.Combine(Checkpoint, "model-00001-of-00002.safetensors"), Cancellation));
    }

    [Fact]
    public async Task Another_models_checkpoint_is_refused_and_the_models_own_is_replaced_whatever_its_name()
    {
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(2);
        MoEModel first = await cluster.Client.CreateModelAsync(cluster["first"], Run, null, Cancellation);
        await first.SaveAsync(Checkpoint, "first", cancellationToken: Cancellation);
        string before = await File.ReadAllTextAsync(Index, Cancellation);
        foreach (ModelConfiguration other in new[] { Run.Model with { Seed = 8 }, Run.Model with { Hidden = 18 }, Run.Model with { Experts = [5, 0, 6] } })
        {
            MoEModel stranger = await cluster.Client.CreateModelAsync(cluster[$"other-{other.Seed}-{other.Hidden}-{other.Experts[2]}"], Run with { Model = other }, null, Cancellation);
            CheckpointFailedException refused =
                await Assert.ThrowsAsync<CheckpointFailedException>(() => stranger.SaveAsync(Checkpoint, cancellationToken: Cancellation));
            Assert.Contains("the checkpoint of another model", refused.Message, StringComparison.Ordinal);
            Assert.Equal(before, await File.ReadAllTextAsync(Index, Cancellation));
        }

        MoEModel restored = await cluster.Client.RestoreModelAsync(cluster["again"], Checkpoint, null, Cancellation);
        await restored.SaveAsync(Checkpoint, "again", cancellationToken: Cancellation);
        Assert.Equal("again", CheckpointFolder.Open(Checkpoint).Cursor);

        MoEModel last = await cluster.Client.CreateModelAsync(cluster["last"], Run with { Model = Run.Model with { Seed = 9 } }, null, Cancellation);
        await last.SaveAsync(Checkpoint, "last", overwrite: true, Cancellation);
        Assert.Equal(("last", 6), (CheckpointFolder.Open(Checkpoint).Cursor, Directory.GetFiles(Checkpoint).Length));
    }

    [Fact]
    public void A_description_that_a_killed_first_save_left_is_ours()
    {
        ModelConfiguration[] models = [Run.Model, new ModelConfiguration(), Run.Model with { Expert = "gelu" }];
        Assert.All(models, model =>
        {
            _folder.Write("checkpoint/config.json", ModelDescription.Of(model, []).ToJsonString());
            CheckpointSave.RequireOwn(Checkpoint, Run.Model);
        });
    }

    [Fact]
    public void A_file_that_is_written_leaves_its_neighbours()
    {
        string path = _folder.Write("status.json", "old"), neighbour = _folder.Write("status.json.unfinished", "mine");
        new DiskFileStore().Write(path, stream => stream.Write("new"u8));
        Assert.Throws<InvalidOperationException>(() => new DiskFileStore().Write(path, _ => throw new InvalidOperationException("the device burned")));
        Assert.Equal(("new", "mine", 2), (File.ReadAllText(path), File.ReadAllText(neighbour), Directory.GetFiles(_folder.Path).Length));
    }

    [Fact]
    public void A_file_with_content_is_no_lock_and_is_not_deleted_with_one()
    {
        string path = _folder.Write(".saving", "mine");
        IOException refused = Assert.Throws<IOException>(() => CheckpointFolder.Lock(_folder.Path));
        Assert.Contains($"'{path}' is in the way", refused.Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(path));

        // An empty one is what a machine left that lost its power.
        File.WriteAllText(path, "");
        CheckpointFolder.Lock(_folder.Path).Dispose();
        Assert.False(File.Exists(path));
    }
}

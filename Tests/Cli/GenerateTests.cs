using System.Text.Json;
using MoEActors.Client;
using MoEActors.Modules.Models;
using MoEActors.Tests.Cli.Runs;
using MoEActors.Tests.Client.Data;
using MoEActors.Tests.Support;

namespace MoEActors.Tests.Cli;

/// <summary>`moe generate` on checkpoints.</summary>
public sealed class GenerateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_text_goes_on_alike_as_text_and_as_json()
    {
        await SaveAsync(vocabulary: 256);
        string[] arguments = ["generate", "--checkpoint", _folder.Path, "--prompt", "Ab", "--tokens", "20", "--temperature", "0", "--seed", "3"];
        CommandLineRun plain = await CommandLineRun.Of(arguments);
        CommandLineRun json = await CommandLineRun.Of([.. arguments, "--json"]);
        Assert.Equal((0, "", 0, ""), (plain.ExitCode, plain.Error, json.ExitCode, json.Error));
        using JsonDocument report = JsonDocument.Parse(json.Output);
        Assert.Equal(plain.Output, report.RootElement.GetProperty("text").GetString() + Environment.NewLine);
        Assert.StartsWith("Ab", plain.Output, StringComparison.Ordinal);
        Assert.Equal(20, report.RootElement.GetProperty("tokens").GetInt32());
    }

    [Fact]
    public async Task A_folder_without_a_checkpoint_fails_in_one_line()
    {
        CommandLineRun run = await CommandLineRun.Of("generate", "--checkpoint", _folder.Path);
        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith($"moe generate: There is no checkpoint to resume in '{_folder.Path}'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_of_something_else_than_bytes_is_refused()
    {
        await SaveAsync(vocabulary: 31);
        CommandLineRun run = await CommandLineRun.Of("generate", "--checkpoint", _folder.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("a vocabulary of 31", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_is_found_by_its_name_its_folder_or_its_checkpoint_and_needs_no_optimizer_files()
    {
        using var runs = new RunsFolder();
        Assert.Equal(0, (await CommandLineRun.Of(runs.Train("mine", "--steps 2"))).ExitCode);
        string checkpoint = runs.Folder("mine").Checkpoint;
        Array.ForEach(Directory.GetFiles(checkpoint, "optimizer-*"), File.Delete);
        string[][] ways = [["mine", "--runs", runs.Path], ["--checkpoint", checkpoint], ["--checkpoint", runs.Folder("mine").Path]];
        List<string> texts = [];
        foreach (string[] way in ways)
        {
            CommandLineRun run = await CommandLineRun.Of(["generate", .. way, "--prompt", "1", "--tokens", "5", "--json"]);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            using JsonDocument report = JsonDocument.Parse(run.Output);
            Assert.Equal(checkpoint, report.RootElement.GetProperty("checkpoint").GetString());
            texts.Add(report.RootElement.GetProperty("text").GetString()!);
        }

        Assert.Single(texts.Distinct());
        CommandLineRun resumed = await CommandLineRun.Of(runs.Resume("mine", "--steps 3"));
        Assert.Equal(1, resumed.ExitCode);
        Assert.Contains("There is no file", resumed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, "There is no run 'nobody' in", "nobody", "--runs", "@")]
    [InlineData(1, "There is no folder", "--checkpoint", "@/nowhere/deeper")]
    [InlineData(2, "must be given")]
    [InlineData(2, "exclude each other", "mine", "--checkpoint", "@")]
    [InlineData(2, "is no name of a folder", "../mine", "--runs", "@")]
    public async Task A_run_that_is_not_there_is_told_in_words(int code, string says, params string[] arguments)
    {
        CommandLineRun run = await CommandLineRun.Of(["generate", .. arguments.Select(word => word.Replace("@", _folder.Path, StringComparison.Ordinal))]);
        Assert.Equal((code, ""), (run.ExitCode, run.Output));
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Could not find", run.Error, StringComparison.Ordinal);
    }

    private async Task SaveAsync(int vocabulary)
    {
        var model = new ModelConfiguration
        {
            Vocabulary = vocabulary,
            Dim = 16,
            Heads = 2,
            KeyValueHeads = 1,
            Hidden = 16,
            Experts = [4],
            MaximumSequence = 16,
        };
        await using TrainingCluster cluster = await TrainingCluster.RentAsync(1);
        MoEModel created = await cluster.Client.CreateModelAsync(cluster["m"], new RunConfiguration { Model = model }, cancellationToken: Cancellation);
        await created.SaveAsync(_folder.Path, cancellationToken: Cancellation);
    }
}

using System.Text;
using MoEActors.Client.History;
using MoEActors.Client.History.TensorBoard;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Client.History;

/// <summary>Event files of TensorBoard: what is written is what a reader of the format finds.</summary>
public sealed class EventFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_reader_knows_sums_that_others_have_published()
    {
        // RFC 3720, appendix B.4, and the sum of "123456789".
        Assert.Equal(0x8a9136aau, EventFileReader.Crc32C(new byte[32]));
        Assert.Equal(0x46dd794eu, EventFileReader.Crc32C([.. Enumerable.Range(0, 32).Select(value => (byte)value)]));
        Assert.Equal(0xe3069283u, EventFileReader.Crc32C(Encoding.ASCII.GetBytes("123456789")));
    }

    [Fact]
    public void Records_of_every_length_have_the_sums_of_the_format()
    {
        for (int length = 0; length < 40; length++)
        {
            byte[] bytes = [.. Enumerable.Range(1, length).Select(value => (byte)(value * 37))];
            uint crc = EventFileReader.Crc32C(bytes);
            Assert.Equal(unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8u), RecordFrame.Masked(bytes));
        }
    }

    [Fact]
    public async Task Figures_of_steps_and_loads_are_read_as_they_were_logged()
    {
        await WriteAsync(after: 0,
            HistoryTests.Step(1),
            new LoadEvent { Step = 1, FirstStep = 1, Tokens = [[1, 2, 3, 10], [], [5, 5]], DeadExperts = [1, 0, 0] },
            new EvaluationEvent { Step = 1, Loss = double.NaN, Tokens = 9 },
            new CheckpointEvent { Step = 1, Place = "checkpoint", Bytes = 5 },
            HistoryTests.Step(1L << 40) with { Balance = [], AuxiliaryLosses = new Dictionary<string, double>(), ChosenTokens = 0 });
        IReadOnlyList<ReadEvent> read = EventFileReader.Read(Assert.Single(EventFileWriter.Find(_folder.Path)));
        Assert.Equal("brain.Event:2", read[0].Version);
        Assert.Equal((true, 1L), (read[1].IsStart, read[1].Step));
        Assert.Equal([1L, 1, 1, 1L << 40], read.Skip(2).Select(one => one.Step));
        Assert.All(read, one => Assert.InRange(one.Time, DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.AddSeconds(1).ToUnixTimeSeconds()));
        Assert.Equal(
            new Dictionary<string, float>
            {
                ["loss/total"] = 2.5f,
                ["loss/cross_entropy"] = 2.25f,
                ["loss/balance"] = 0.25f,
                ["optimizer/learning_rate"] = 1e-3f,
                ["optimizer/gradient_norm"] = 0.5f,
                ["speed/tokens_per_second"] = 512,
                ["speed/step_seconds"] = 0.125f,
                ["routing/balance"] = 1.25f,
                ["routing/dropped_share"] = 3 / 128f,
                ["routing/entropy"] = 1.5f,
            },
            read[2].Numbers);
        Assert.Equal(
            new Dictionary<string, float> { ["routing/dead_experts"] = 1, ["dead_experts/layer_0"] = 1, ["dead_experts/layer_2"] = 0 }, read[3].Numbers);
        Assert.Equal(["load/layer_0", "load/layer_2"], read[3].Histograms.Keys);
        ReadHistogram uneven = read[3].Histograms["load/layer_0"];
        Assert.Equal((0.25, 2.5, 4, 4), (uneven.Least, uneven.Most, uneven.Count, uneven.Sum));
        Assert.Equal((1 + 4 + 9 + 100) / 16.0, uneven.SumOfSquares, 12);
        Assert.Equal((2.5, 4), (uneven.Limits[^1], uneven.Counts.Sum()));
        Assert.Equal(uneven.Limits.Order(), uneven.Limits);
        Assert.Equal(2, uneven.Counts.Zip(uneven.Limits).Where(bar => bar.Second < 0.75).Sum(bar => bar.First));
        ReadHistogram even = read[3].Histograms["load/layer_2"];
        Assert.Equal([1.0], even.Limits);
        Assert.Equal([2.0], even.Counts);
        Assert.True(float.IsNaN(Assert.Single(read[4].Numbers).Value));
        Assert.Equal(["loss/total", "loss/cross_entropy", "optimizer/learning_rate", "optimizer/gradient_norm", "speed/tokens_per_second", "speed/step_seconds"], read[5].Numbers.Keys);
    }

    [Fact]
    public async Task A_file_with_a_single_wrong_bit_or_without_its_end_is_refused_by_the_reader()
    {
        await WriteAsync(after: 0, HistoryTests.Step(1));
        string path = Assert.Single(EventFileWriter.Find(_folder.Path));
        byte[] whole = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        Assert.NotEmpty(EventFileReader.Read(path));

        // In the length of the first record, its sum, its content, and in the sum of the last.
        foreach (int place in new[] { 0, 9, 14, whole.Length - 1 })
        {
            byte[] wrong = [.. whole];
            wrong[place] ^= 1;
            await File.WriteAllBytesAsync(path, wrong, TestContext.Current.CancellationToken);
            Assert.ThrowsAny<Exception>(() => EventFileReader.Read(path));
        }

        await File.WriteAllBytesAsync(path, whole[..^1], TestContext.Current.CancellationToken);
        Assert.ThrowsAny<Exception>(() => EventFileReader.Read(path));
    }

    [Fact]
    public async Task A_run_that_goes_on_says_which_steps_count_no_more()
    {
        await WriteAsync(after: 0, HistoryTests.Step(1), HistoryTests.Step(2), HistoryTests.Step(3));
        await WriteAsync(after: 2, HistoryTests.Step(3));
        string[] files = [.. EventFileWriter.Find(_folder.Path).Order(StringComparer.Ordinal)];
        Assert.Equal(2, files.Length);
        ReadEvent start = Assert.Single(EventFileReader.Read(files[1]), one => one.IsStart);
        Assert.Equal(3, start.Step);
    }

    [Fact]
    public void Loads_are_summed_over_ten_steps_or_over_more_of_a_model_with_very_many_experts()
    {
        var sum = new LoadSum();
        LoadEvent[] told = [.. Enumerable.Range(1, 25).Select(step => sum.Add(Routed(step, [[1, 0, step], []]))).OfType<LoadEvent>()];
        Assert.Equal([(1L, 10L), (11L, 20L)], told.Select(one => (one.FirstStep, one.Step)));
        Assert.Equal([10L, 0, 155], told[1].Tokens[0]);
        Assert.Equal([1, 0], told[1].DeadExperts);
        LoadEvent rest = sum.Take()!;
        Assert.Equal((21L, 25L), (rest.FirstStep, rest.Step));
        Assert.Null(sum.Take());

        // Gone back to an earlier step: what was added before has not happened.
        sum.Add(Routed(26, [[1, 1, 1], []]));
        sum.Add(Routed(26, [[2, 2, 2], []]));
        Assert.Equal([2L, 2, 2], sum.Take()!.Tokens[0]);
        var large = new LoadSum();
        Assert.Equal(20, Enumerable.Range(1, 50).First(step => large.Add(Routed(step, [new long[2000]])) is not null));
        Assert.Null(new LoadSum().Add(Routed(1, [[]])));
    }

    private static StepOutcome Routed(long step, long[][] tokens) => new()
    {
        Step = step,
        Loss = 1,
        CrossEntropy = 1,
        Auxiliary = 0,
        GradientNorm = 1,
        LearningRate = 1,
        Tokens = 1,
        Seconds = 1,
        KeptTokens = tokens,
        ChosenTokens = tokens,
        ExecutorAllocatedBytes = 0,
    };

    private async Task WriteAsync(long after, params RunEvent[] events)
    {
        await using var writer = EventFileWriter.Open(_folder.Path, after);
        Array.ForEach(events, writer.Log);
        await writer.FlushAsync();
    }
}

using MoEActors.Client.History;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Client.History;

/// <summary>The history of a run in a file: what is written is read, what is lost is told of.</summary>
public sealed class HistoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder.Path, "metrics.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Every_kind_of_event_is_read_as_it_was_written()
    {
        RunEvent[] written =
        [
            Step(1),
            new LoadEvent { Step = 1, FirstStep = 1, Tokens = [[3, 0], []], DeadExperts = [1, 0] },
            new EvaluationEvent { Step = 1, Loss = double.NaN, Tokens = 9 },
            new DecisionEvent
            {
                Step = 1,
                Silos = ["silo-0", "silo-1"],
                Decision = new DirectorDecision
                {
                    Number = 1,
                    Step = 1,
                    State = DecisionState.Applied,
                    Layers = [new LayerDecision(0, [new ShardArrival(3, 0, 1)], 1.5, 1.1, null, 2, 1, 0.5, "Because.", null, null)],
                },
            },
            new PlacementEvent { Step = 1, View = 2, Experts = [new ExpertPlaces(0, 3, ["silo-0"], ["silo-0", "silo-1"])] },
            new CheckpointEvent { Step = 1, Place = "checkpoint", Bytes = 5 },
            new GapEvent { Step = 1, Lines = 7 },
        ];
        await WriteAsync(after: 0, written);
        RunEvent[] read = [.. RunHistory.Read(File)];
        Assert.Equal(written.Length, read.Length);
        foreach ((RunEvent one, RunEvent other) in written.Zip(read))
        {
            Assert.Equivalent(one, other, strict: true);
        }

        string[] lines = await System.IO.File.ReadAllLinesAsync(File, TestContext.Current.CancellationToken);
        Assert.Equal(["step", "load", "evaluation", "decision", "placement", "checkpoint", "gap"], lines.Select(line => line.Split('"')[3]));
        Assert.Contains("\"gradient_norm\":0.5,", lines[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"kind\":\"step\",\"step\":4,\"lo")]
    [InlineData("{\"kind\":\"st")]
    public async Task A_run_that_goes_on_cuts_off_the_steps_that_it_trains_again(string torn)
    {
        await WriteAsync(after: 0, [Step(1), Step(2), new CheckpointEvent { Step = 2, Place = "checkpoint", Bytes = 1 }, Step(3)]);
        await System.IO.File.AppendAllTextAsync(File, torn, TestContext.Current.CancellationToken);
        Assert.Equal([1L, 2, 2, 3], RunHistory.Read(File).Select(one => one.Step));
        await WriteAsync(after: 2, [Step(3), Step(4)]);
        Assert.Equal([1L, 2, 2, 3, 4], RunHistory.Read(File).Select(one => one.Step));
        await WriteAsync(after: 0, [Step(1)]);
        Assert.Equal([1L], RunHistory.Read(File).Select(one => one.Step));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{\"kind\":\"of-a-later-version\",\"step\":2}")]
    [InlineData("{\"step\":2}")]
    public async Task A_line_that_cannot_be_read_is_told_of_and_hides_no_other(string damaged)
    {
        await WriteAsync(after: 0, [Step(1)]);
        await System.IO.File.AppendAllTextAsync(File, damaged + "\n", TestContext.Current.CancellationToken);
        await WriteAsync(after: 1, [Step(2)]);
        RunEvent[] read = [.. RunHistory.Read(File)];
        Assert.Equal([typeof(StepEvent), typeof(GapEvent), typeof(StepEvent)], read.Select(one => one.GetType()));
        Assert.Equal(1, Assert.IsType<GapEvent>(read[1]).Lines);
    }

    [Fact]
    public async Task What_a_full_disk_refuses_is_counted_and_every_line_in_the_file_is_whole()
    {
        var disk = new FullDisk();
        await using HistoryWriter writer = HistoryWriter.To(disk);
        writer.Log(Step(1));
        await writer.FlushAsync();
        disk.Room = disk.Length + 40;
        writer.Log(Step(2));
        writer.Log(Step(3));
        IOException failure = await Assert.ThrowsAsync<IOException>(writer.FlushAsync);
        Assert.Contains("lacks 2 lines: No space left.", failure.Message, StringComparison.Ordinal);
        disk.Room = long.MaxValue;
        writer.Log(Step(4));
        await writer.FlushAsync();
        await System.IO.File.WriteAllBytesAsync(File, disk.ToArray(), TestContext.Current.CancellationToken);
        RunEvent[] read = [.. RunHistory.Read(File)];
        Assert.Equal([1L, 4, 4], read.Select(one => one.Step));
        Assert.Equal(2, Assert.IsType<GapEvent>(read[2]).Lines);
    }

    [Fact]
    public async Task Logging_never_waits_for_a_disk_that_does_and_says_what_was_lost()
    {
        const int Logged = 20_000;
        var disk = new FullDisk();
        await using HistoryWriter writer = HistoryWriter.To(disk);
        using (disk.Hold())
        {
            for (int step = 1; step <= Logged; step++)
            {
                writer.Log(new GapEvent { Step = step, Lines = 0 });
            }
        }

        IOException failure = await Assert.ThrowsAsync<IOException>(writer.FlushAsync);
        Assert.Contains("events came faster than they could be written", failure.Message, StringComparison.Ordinal);
        await System.IO.File.WriteAllBytesAsync(File, disk.ToArray(), TestContext.Current.CancellationToken);
        GapEvent[] read = [.. RunHistory.Read(File).Cast<GapEvent>()];
        long lost = read.Sum(one => one.Lines);
        Assert.InRange(lost, 1, Logged - 1);
        Assert.Equal(Logged, read.Count(one => one.Lines == 0) + lost);
    }

    [Fact]
    public void A_history_that_is_not_there_cannot_be_read() => Assert.Throws<FileNotFoundException>(() => RunHistory.Read(File).ToArray());

    internal static StepEvent Step(long step) => new()
    {
        Step = step,
        Loss = 2.5,
        CrossEntropy = 2.25,
        Auxiliary = 0.25,
        AuxiliaryLosses = new Dictionary<string, double> { ["balance"] = 0.25 },
        GradientNorm = 0.5,
        LearningRate = 1e-3,
        Tokens = 64,
        Seconds = 0.125,
        TokensPerSecond = 512,
        Balance = [1.25, 1],
        RouterEntropy = [1.5, 0],
        ChosenTokens = 128,
        DroppedTokens = 3,
    };

    private async Task WriteAsync(long after, RunEvent[] events)
    {
        await using HistoryWriter writer = HistoryWriter.Open(File, after);
        Array.ForEach(events, writer.Log);
        await writer.FlushAsync();
    }

    /// <summary>A disk with little room, and one that can be held up.</summary>
    private sealed class FullDisk : MemoryStream
    {
        private readonly Lock _held = new();

        public long Room { get; set; } = long.MaxValue;

        public IDisposable Hold()
        {
            _held.Enter();
            return new Release(_held);
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            lock (_held)
            {
                int fits = (int)Math.Min(count, Math.Max(0, Room - Length));
                base.Write(buffer, offset, fits);
                if (fits < count)
                {
                    throw new IOException("No space left.");
                }
            }
        }

        private sealed class Release(Lock held) : IDisposable
        {
            public void Dispose() => held.Exit();
        }
    }
}

using FsCheck;
using FsCheck.Fluent;
using MoEActors.Client.Data;

namespace MoEActors.Tests.Client.Data;

public sealed class ByteCorpusTests
{
    [Fact]
    public void Of_ten_files_or_more_every_tenth_is_for_validation()
    {
        ByteCorpus corpus = ByteCorpus.Divide([.. Enumerable.Range(0, 23).Reverse().Select(i => Document($"f{i:00}", 10))]);
        Assert.Equal(["f09", "f19"], corpus.Validation.Select(d => d.Name));
        Assert.Equal(210, corpus.TrainingBytes);
        Assert.Equal(20, corpus.ValidationBytes);
    }

    [Fact]
    public void Of_fewer_files_the_last_tenth_of_each_is_for_validation()
    {
        ByteCorpus corpus = ByteCorpus.Divide([Document("b", 100), Document("a", 57)]);
        Assert.Equal([52, 90], corpus.Training.Select(d => d.Bytes.Length));
        Assert.Equal([5, 10], corpus.Validation.Select(d => d.Bytes.Length));
        Assert.Equal(90, corpus.Validation[1].Bytes.Span[0]);
    }

    [Fact]
    public void Training_windows_lie_inside_one_file_and_reach_every_place()
    {
        ByteCorpus corpus = ByteCorpus.Divide([Document("a", 3), Document("b", 30), Document("c", 0), Document("d", 40, first: 100)]);
        TrainingWindows windows = corpus.TrainingWindows(seed: 1, length: 4);
        HashSet<int> starts = [];
        for (int step = 0; step < 200; step++)
        {
            for (int index = 0; index < 8; index++)
            {
                ReadOnlySpan<byte> window = windows[step, index].Span;
                Assert.Equal(5, window.Length);
                Assert.Equal(window[0] + 4, window[4]);
                starts.Add(window[0]);
            }
        }

        // 27 and 36 bytes are for training; the last window starts 5 before their ends.
        Assert.Equal([.. Enumerable.Range(0, 23), .. Enumerable.Range(100, 32)], starts.Order());
    }

    [Fact]
    public void Files_of_unequal_sizes_keep_a_tenth_of_their_bytes()
    {
        foreach (int large in new[] { 0, 9, 19 })
        {
            // Every tenth file would be almost nothing, or almost everything.
            ByteCorpus corpus = ByteCorpus.Divide([.. Enumerable.Range(0, 20).Select(i => Document($"f{i:00}", i == large ? 9000 : 10 + i % 10 * 10))]);
            Assert.InRange(corpus.ValidationShare, 0.05, 0.2);
        }

        Assert.Equal(0.1, ByteCorpus.Divide([.. Enumerable.Range(0, 12).Select(i => Document($"f{i:00}", i == 9 ? 100 : 10_000))]).ValidationShare, 3);
        Assert.Equal(1.0 / 12, ByteCorpus.Divide([.. Enumerable.Range(0, 12).Select(i => Document($"f{i:00}", 100))]).ValidationShare, 3);
    }

    [Fact]
    public void Files_shorter_than_a_window_are_joined_and_all_of_them_used()
    {
        ByteCorpus corpus = ByteCorpus.Divide([.. Enumerable.Range(0, 100).Select(i => new TextDocument($"{i:00}", new byte[] { (byte)i, (byte)i }))]);
        TrainingWindows windows = corpus.TrainingWindows(seed: 1, length: 64);
        HashSet<byte> seen = [.. Enumerable.Range(0, 300).SelectMany(step => windows[step, 0].ToArray())];
        seen.Remove((byte)'\n');
        Assert.Equal([.. Enumerable.Range(0, 100).Where(i => i % 10 != 9 && i != '\n').Select(i => (byte)i)], seen.Order());

        // Ten files of two bytes and the ends of their lines.
        byte[] validation = Assert.Single(corpus.ValidationWindows(length: 29)).ToArray();
        Assert.Equal([9, 9, (byte)'\n', 19, 19, (byte)'\n', 29], validation[..7]);
    }

    [Fact]
    public void A_training_window_follows_from_seed_step_and_index()
    {
        ByteCorpus corpus = ByteCorpus.Divide([Document("a", 200)]);
        byte[] First(long seed, long step, int index) => corpus.TrainingWindows(seed, 16)[step, index].ToArray();
        Assert.Equal(First(7, 3, 2), First(7, 3, 2));
        Assert.NotEqual(First(7, 3, 2), First(8, 3, 2));
        Assert.NotEqual(First(7, 3, 2), First(7, 4, 2));
        Assert.NotEqual(First(7, 3, 2), First(7, 3, 3));
    }

    [Fact]
    public void Halves_have_no_byte_in_common_and_go_by_name()
    {
        // 131 bytes to train on: all 41 of a and a part of b, then the rest.
        ByteCorpus corpus = ByteCorpus.Divide([Document("b", 100, first: 100), Document("a", 45)]);
        (TrainingWindows first, TrainingWindows second) = corpus.TrainingHalves(seed: 1, length: 16);
        static int[] Values(TrainingWindows windows) =>
            [.. Enumerable.Range(0, 300).SelectMany(step => windows[step, 0].ToArray()).Select(value => (int)value).Distinct()];
        Assert.True(Values(first).Max() < Values(second).Min());
        Assert.Throws<TextSourceException>(() => corpus.TrainingHalves(seed: 1, length: 120));
    }

    [Fact]
    public void Validation_windows_are_fixed_spread_and_enough()
    {
        Gen<(int[] Lengths, int Window, int AtLeast)> cases =
            from lengths in Gen.Choose(0, 300).ArrayOf(12)
            from window in Gen.Choose(1, 20)
            from atLeast in Gen.Choose(1, 400)
            select (lengths.Select(l => l * 10).Append(250).ToArray(), window, atLeast);
        Prop.ForAll(cases.ToArbitrary(), c => CheckValidation(c.Lengths, c.Window, c.AtLeast))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    [Fact]
    public void Unigram_loss_is_the_cross_entropy_of_smoothed_counts()
    {
        // Nine bytes to train on (eight 'a', one 'b') and one 'a' for validation, which is too short for a window of its own.
        ByteCorpus corpus = ByteCorpus.Divide([new TextDocument("x", "aaaaaaaaba"u8.ToArray())]);
        double loss = corpus.UnigramLoss(["_ab"u8.ToArray()]);
        Assert.Equal(-(Math.Log(9.0 / 265) + Math.Log(2.0 / 265)) / 2, loss, 12);
    }

    [Fact]
    public void Text_too_short_for_a_window_is_an_error()
    {
        ByteCorpus corpus = ByteCorpus.Divide([Document("a", 100)]);
        Assert.Contains("window of 91 bytes", Assert.Throws<TextSourceException>(() => corpus.TrainingWindows(0, 90)).Message);
        Assert.Contains("window of 11 bytes", Assert.Throws<TextSourceException>(() => corpus.ValidationWindows(10)).Message);
        Assert.Single(corpus.ValidationWindows(9));
    }

    private static void CheckValidation(int[] lengths, int window, int atLeast)
    {
        // Twenty files, so that the two at 9 and 19 are for validation, whatever the drawn lengths of the first thirteen.
        ByteCorpus corpus = ByteCorpus.Divide([.. Enumerable.Range(0, 20).Select(i => Document($"{i:00}", i < lengths.Length ? lengths[i] : 1000))]);
        IReadOnlyList<ReadOnlyMemory<byte>> windows = corpus.ValidationWindows(window, atLeast);
        int available = corpus.Validation.Sum(d => Math.Max(0, d.Bytes.Length - 1) / window);
        int needed = (atLeast + window - 1) / window;
        Assert.InRange(windows.Count, Math.Min(needed, available), Math.Max(2 * needed, 1));
        Assert.All(windows, w => Assert.Equal(window + 1, w.Length));
    }

    /// <summary>Bytes that count up, so that a window tells where it starts.</summary>
    private static TextDocument Document(string name, int length, int first = 0) =>
        new(name, Enumerable.Range(first, length).Select(i => (byte)i).ToArray());
}

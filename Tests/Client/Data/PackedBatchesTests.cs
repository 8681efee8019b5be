using FsCheck;
using FsCheck.Fluent;
using MoEActors.Client.Data;
using MoEActors.Client.Data.Packing;
using MoEActors.Modules.Models;

namespace MoEActors.Tests.Client.Data;

/// <summary>Documents in sequences: nothing lost, nothing mixed, the same wherever a run goes on.</summary>
public sealed class PackedBatchesTests
{
    /// <summary>Tokens that tell their document and their place.</summary>
    private const int Stride = 1000;

    [Fact]
    public void Every_target_is_there_once_and_behind_its_own_predecessor()
    {
        Gen<(int[] Lengths, int Length)> cases =
            from lengths in Gen.Choose(0, 70).ArrayOf(30)
            from length in Gen.Choose(1, 24)
            select (lengths.Append(200).ToArray(), length);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            TokenDocument[] documents = [.. one.Lengths.Select((length, index) => Document(index, length))];
            IReadOnlyList<MicroBatch> batches = DocumentCorpus.ForValidation(documents).ValidationBatches(one.Length, int.MaxValue);
            List<int> targets = [];
            foreach (MicroBatch batch in batches)
            {
                Assert.Equal(one.Length, batch.SequenceLength);
                for (int i = 0; i < batch.Inputs.Length; i++)
                {
                    Assert.Equal(batch.Inputs[i] < 0 ? -1 : batch.Inputs[i] + 1, batch.Targets[i]);
                    bool continues = i % one.Length > 0 && batch.Inputs[i] >= 0 && batch.Documents![i] == batch.Documents[i - 1];
                    Assert.True(!continues || batch.Inputs[i] == batch.Inputs[i - 1] + 1, $"Token {i} is no continuation.");
                }

                targets.AddRange(batch.Targets.Where(target => target >= 0));
            }

            Assert.Equal(documents.SelectMany(document => document.Tokens.ToArray().Skip(1)).Order(), targets.Order());

            // A sequence more than half empty could have taken another of that kind: best fit leaves one of them at most.
            int[] filled = [.. batches.SelectMany(batch => batch.Inputs.Chunk(one.Length)).Select(sequence => sequence.Count(id => id >= 0))];
            Assert.True(filled.Count(count => 2 * count <= one.Length) <= 1, $"Sequences of {one.Length} hold {string.Join(", ", filled)}.");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true));
    }

    [Fact]
    public void What_is_not_learnt_is_no_target_and_a_piece_of_nothing_else_is_left_out()
    {
        var chat = new TokenDocument("c", Enumerable.Range(0, 21).ToArray(), Enumerable.Range(0, 21).Select(i => i is 3 or 13 or 14).ToArray());
        MicroBatch batch = Assert.Single(DocumentCorpus.ForValidation([chat]).ValidationBatches(length: 5));

        // Pieces of inputs 0 to 4, 5 to 9 (nothing), 10 to 14, 15 to 19 (nothing).
        Assert.Equal([0, 1, 2, 3, 4, 10, 11, 12, 13, 14], batch.Inputs);
        Assert.Equal([-1, -1, 3, -1, -1, -1, -1, 13, 14, -1], batch.Targets);
    }

    [Fact]
    public void Every_step_is_what_it_is_whichever_was_asked_for_before()
    {
        DocumentCorpus corpus = DocumentCorpus.Divide([Source(0, 30), Source(100, 12, weight: 3)]);
        PackedBatches forward = corpus.TrainingBatches(seed: 5, length: 16);
        int[][] expected = [.. Enumerable.Range(1, 40).Select(step => Inputs(forward.OfStep(step, microBatches: 3, sequences: 7)))];
        PackedBatches backward = corpus.TrainingBatches(seed: 5, length: 16);
        foreach (int step in Enumerable.Range(1, 40).Reverse())
        {
            Assert.Equal(expected[step - 1], Inputs(backward.OfStep(step, microBatches: 3, sequences: 7)));
        }

        Assert.Equal([3, 2, 2], forward.OfStep(1, microBatches: 3, sequences: 7).Select(batch => batch.Inputs.Length / 16));
        Assert.NotEqual(expected[0], Inputs(corpus.TrainingBatches(seed: 6, length: 16).OfStep(1, microBatches: 3, sequences: 7)));
    }

    [Fact]
    public void Sources_have_their_shares_at_any_time_and_each_is_gone_through_before_it_comes_again()
    {
        Gen<(double[] Weights, int Sequences)> cases =
            from weights in Gen.Choose(1, 20).ArrayOf(3)
            from sequences in Gen.Choose(1, 9)
            select (weights.Select(weight => weight / 4.0).ToArray(), sequences);
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            DocumentCorpus corpus = DocumentCorpus.Divide([.. one.Weights.Select((weight, index) => Source(100 * index, 20 + index, weight))]);
            PackedBatches batches = corpus.TrainingBatches(seed: 1, length: 40);
            int[] had = new int[3];
            List<int>[] firsts = [[], [], []];
            for (int step = 1; step <= 200 / one.Sequences; step++)
            {
                foreach (int[] sequence in batches.OfStep(step, 1, one.Sequences)[0].Inputs.Chunk(40))
                {
                    int source = sequence[0] / Stride / 100;
                    had[source]++;
                    firsts[source].Add(sequence[0]);
                }

                for (int source = 0; source < 3; source++)
                {
                    Assert.InRange(had[source], had.Sum() * one.Weights[source] / one.Weights.Sum() - 2, had.Sum() * one.Weights[source] / one.Weights.Sum() + 2);
                }
            }

            foreach ((int source, List<int> read) in firsts.Index())
            {
                Assert.All(read.Chunk(batches.Sequences[source]), round => Assert.Equal(round.Length, round.Distinct().Count()));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30).WithQuietOnSuccess(true));
    }

    [Fact]
    public void A_tenth_of_every_source_is_kept_and_never_learnt()
    {
        DocumentCorpus corpus = DocumentCorpus.Divide([Source(0, 40), Source(100, 3)]);
        Assert.Equal(0.1, corpus.ValidationShare, 0.02);
        Assert.Contains(corpus.Validation, document => document.Tokens.Span[0] / Stride >= 100);
        int[] kept = [.. corpus.ValidationBatches(16).SelectMany(batch => batch.Targets).Where(target => target >= 0)];
        Assert.NotEmpty(kept);
        PackedBatches batches = corpus.TrainingBatches(1, 16);
        int[] learnt = [.. Enumerable.Range(1, 100).SelectMany(step => batches.OfStep(step, 1, 8)[0].Targets).Where(target => target >= 0)];
        Assert.Empty(kept.Intersect(learnt));
    }

    [Fact]
    public void Unigram_loss_is_the_cross_entropy_of_smoothed_counts_of_what_is_learnt()
    {
        var learnt = new TokenDocument("a", new[] { 7, 1, 1, 2, 3 }, new[] { true, true, true, true, false });
        DocumentCorpus corpus = DocumentCorpus.Divide([new DocumentSource([learnt])]);
        double loss = corpus.UnigramLoss([new MicroBatch([1, 2, 3], [1, 2, -1], 3)], vocabulary: 8);
        Assert.Equal(-(Math.Log(3.0 / 11) + Math.Log(2.0 / 11)) / 2, loss, 12);
    }

    /// <summary>One token of ten is learnt, and as many targets are measured as were asked for, or those of a sequence more or less.</summary>
    [Fact]
    public void As_many_targets_are_measured_as_asked_for_where_few_tokens_are_ones()
    {
        TokenDocument[] chats = [.. Enumerable.Range(0, 400).Select(number => Document(number, 41) with { Learnt = Enumerable.Range(0, 41).Select(token => token % 10 == 5).ToArray() })];
        int measured = DocumentCorpus.ForValidation(chats).ValidationBatches(40, atLeastTokens: 400).Sum(batch => batch.Targets.Count(target => target >= 0));
        Assert.InRange(measured, 400, 404);
    }

    [Fact]
    public void What_holds_nothing_to_learn_is_refused()
    {
        DocumentCorpus one = DocumentCorpus.Divide([Source(0, 20), new DocumentSource([Document(5, 1)])]);
        Assert.Contains("source 2 of 2 holds nothing", Assert.Throws<TextSourceException>(() => one.TrainingBatches(1, 8)).Message, StringComparison.Ordinal);
        Assert.Contains("hold nothing to predict", Assert.Throws<TextSourceException>(() => DocumentCorpus.Divide([new DocumentSource([Document(0, 9)])]).ValidationBatches(8)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => DocumentCorpus.Divide([]));
        Assert.Throws<ArgumentException>(() => DocumentCorpus.Divide([Source(0, 20, weight: 0)]));
    }

    private static int[] Inputs(IReadOnlyList<MicroBatch> batches) => [.. batches.SelectMany(batch => batch.Inputs)];

    private static TokenDocument Document(int number, int length) => new($"{number}", Enumerable.Range(number * Stride, length).ToArray(), Array.Empty<bool>());

    /// <summary>Documents of forty tokens and one, so that each fills a sequence of forty.</summary>
    private static DocumentSource Source(int first, int count, double weight = 1) => new([.. Enumerable.Range(first, count).Select(number => Document(number, 41))], weight);
}

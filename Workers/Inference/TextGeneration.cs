using MoEActors.Native.Operations;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Inference;

/// <summary>
/// Continues a text token by token. The text belongs to rank 0, which draws; the other ranks run their experts for it. The draw is
/// keyed by (seed, position), so that it does not depend on the cluster.
/// </summary>
internal static class TextGeneration
{
    /// <summary>Runs on every rank; reports the new tokens on rank 0, nothing elsewhere.</summary>
    public static GenerateReport Run(GenerateCommand command, DecoderModel decoder, int rank)
    {
        bool sound = true;
        int window = decoder.Configuration.MaximumSequence;
        int vocabulary = decoder.Configuration.Vocabulary;
        List<int> text = [.. command.Prompt];
        float[] logits = new float[window * vocabulary];
        for (int i = 0; i < command.Count; i++)
        {
            if (rank != 0)
            {
                decoder.Predict(null, []);
                continue;
            }

            int[] context = [.. text.TakeLast(window)];
            var batch = new MicroBatch(context, new int[context.Length], context.Length);
            decoder.Predict(batch, logits.AsSpan(0, context.Length * vocabulary));
            Span<float> last = logits.AsSpan((context.Length - 1) * vocabulary, vocabulary);

            // The others take part in every token of the command, whatever this rank finds.
            foreach (float logit in last)
            {
                sound &= float.IsFinite(logit);
            }

            text.Add(Draw(last, command, (ulong)text.Count));
        }

        string? error = sound ? null : "the logits are not finite, so no token can be drawn from them.";
        return new GenerateReport(rank == 0 ? [.. text.Skip(command.Prompt.Length)] : [], error) { Rank = rank };
    }

    private static int Draw(ReadOnlySpan<float> logits, GenerateCommand command, ulong position)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        if (command.Temperature <= 0)
        {
            return best;
        }

        double total = 0;
        foreach (float logit in logits)
        {
            total += Math.Exp((logit - logits[best]) / command.Temperature);
        }

        double left = CounterRandom.Uniform(CounterRandom.Mix(command.Seed), position) * total;
        for (int i = 0; i < logits.Length; i++)
        {
            left -= Math.Exp((logits[i] - logits[best]) / command.Temperature);
            if (left < 0)
            {
                return i;
            }
        }

        return best;
    }
}

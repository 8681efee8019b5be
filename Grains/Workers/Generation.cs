using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;
using MoEActors.Native.Operations;

namespace MoEActors.Grains.Workers;

/// <summary>
/// Continues a text token by token. The text belongs to rank 0, which draws; the other ranks run their experts for it. The draw is
/// keyed by (seed, position), so that it does not depend on the cluster.
/// </summary>
internal static class Generation
{
    /// <summary>Runs on every rank; reports the new tokens on rank 0, nothing elsewhere.</summary>
    public static WorkerReport Run(GenerateOrder order, EpochView view)
    {
        bool sound = true;
        int window = view.Model.Configuration.MaximumSequence;
        int vocabulary = view.Model.Configuration.Vocabulary;
        List<int> text = [.. order.Prompt];
        float[] logits = new float[window * vocabulary];
        for (int i = 0; i < order.Count; i++)
        {
            if (view.Rank != 0)
            {
                view.Decoder.Predict(null, []);
                continue;
            }

            int[] context = [.. text.TakeLast(window)];
            var batch = new MicroBatch(context, new int[context.Length], context.Length);
            view.Decoder.Predict(batch, logits.AsSpan(0, context.Length * vocabulary));
            Span<float> last = logits.AsSpan((context.Length - 1) * vocabulary, vocabulary);

            // The others wait for this rank as often as was ordered, whatever it finds.
            sound &= AreFinite(last);
            text.Add(Draw(last, order, (ulong)text.Count));
        }

        return new WorkerReport
        {
            Rank = view.Rank,
            Tokens = view.Rank == 0 ? [.. text.Skip(order.Prompt.Length)] : [],
            Complaint = sound ? null : "the logits are not finite, so no token can be drawn from them.",
        };
    }

    private static bool AreFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }

    private static int Draw(ReadOnlySpan<float> logits, GenerateOrder order, ulong position)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        if (order.Temperature <= 0)
        {
            return best;
        }

        double total = 0;
        foreach (float logit in logits)
        {
            total += Math.Exp((logit - logits[best]) / order.Temperature);
        }

        double left = CounterRandom.Uniform(CounterRandom.Mix(order.Seed), position) * total;
        for (int i = 0; i < logits.Length; i++)
        {
            left -= Math.Exp((logits[i] - logits[best]) / order.Temperature);
            if (left < 0)
            {
                return i;
            }
        }

        return best;
    }
}

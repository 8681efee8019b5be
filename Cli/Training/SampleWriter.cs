using System.Diagnostics;
using System.Text;
using MoEActors.Cli.Progress;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Errors;

namespace MoEActors.Cli.Training;

/// <summary>
/// Lets the model go on with the same few words of the validation text every so many steps, so that one sees it learn. It learns nothing by that, and its
/// numbers stay what they are. Samples are so far apart that they take a small part of the time.
/// </summary>
internal sealed class SampleWriter(MoEModel model, TrainingJob job, TrainingMeter meter)
{
    /// <summary>Tokens of a sample: of bytes, with the beginning, a line or two.</summary>
    private const int Length = 72;

    private const float Temperature = 0.7f;

    /// <summary>The first sample shows a model that can nothing yet.</summary>
    private const long FirstAfter = 10;

    /// <summary>Training seconds between two samples, at least.</summary>
    private const double Seconds = 4;

    /// <summary>Training time between two samples, in times of a sample.</summary>
    private const double Apart = 50;

    private readonly string _prompt = job.Text.Prompt(job.Prompt);
    private double _cost;
    private int _samples;
    private bool _failed;

    /// <summary>The step after which the model is to write next.</summary>
    public long Next { get; private set; } = meter.Step + FirstAfter;

    /// <summary>Lets the model write if it is time to.</summary>
    /// <returns>Whether it has.</returns>
    public async Task<bool> FollowAsync(CancellationToken cancellation)
    {
        if (meter.Step < Next || _failed)
        {
            return false;
        }

        long started = Stopwatch.GetTimestamp();
        var text = new StringBuilder();
        try
        {
            await foreach (string piece in model.GenerateTextAsync(_prompt, Length, Temperature, (ulong)job.Seed, job.Text.Tokenizer, cancellation))
            {
                text.Append(piece);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
        catch (MoEException e)
        {
            // What ails the model, the next step will say; a run does not end because of a sample.
            meter.Note($"there is no sample: {e.Message}");
            (_failed, Next) = (true, long.MaxValue);
            return false;
        }

        meter.Wrote(new WrittenSample(meter.Step, _prompt, text.ToString()));
        TimeSpan taken = Stopwatch.GetElapsedTime(started);
        meter.SetAside(taken);

        // The first one compiles code, which says nothing of the others; of those the fastest tells what a sample costs, as a busy machine makes some slow.
        _cost = _samples switch { 0 => 0, 1 => taken.TotalSeconds, _ => Math.Min(_cost, taken.TotalSeconds) };
        _samples++;
        double secondsPerStep = meter.Elapsed.TotalSeconds / Math.Max(1, meter.StepsHere);
        Next = meter.Step + (long)Math.Clamp(Math.Ceiling(Math.Max(Seconds, Apart * _cost) / Math.Max(1e-9, secondsPerStep)), 1, int.MaxValue);
        return true;
    }
}

/// <summary>What samples begin with: the first words of the validation text.</summary>
internal static class SamplePrompt
{
    private const int Most = 32;

    /// <summary>The first words of the first text that has some.</summary>
    /// <param name="texts">Texts in UTF-8; the cut that made one may have gone through a character.</param>
    /// <param name="otherwise">What to take where there are no words.</param>
    public static string Of(IEnumerable<ReadOnlyMemory<byte>> texts, string otherwise) =>
        texts.Select(text => Words(text.Span)).FirstOrDefault(words => words.Length > 0) ?? otherwise;

    private static string Words(ReadOnlySpan<byte> bytes)
    {
        // A part of a character at either end is the replacement character.
        string text = Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 4 * Most)]).Trim('\uFFFD').TrimStart();
        if (text.Length <= Most)
        {
            return text.TrimEnd();
        }

        int end = text.LastIndexOfAny([' ', '\n', '\t'], Most);
        return end > 0 ? text[..end].TrimEnd() : text[..(char.IsHighSurrogate(text[Most - 1]) ? Most - 1 : Most)];
    }
}

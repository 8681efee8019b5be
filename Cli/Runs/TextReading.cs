using MoEActors.Client.Tokens;

namespace MoEActors.Cli.Runs;

/// <summary>How a run's text is read; part of what its batches follow from.</summary>
/// <param name="Packed">Whether every text is a document that is packed with others; so it is anyway where one is a file of records, and with tokens other than bytes.</param>
/// <param name="Weights">By path, how much of what is read is from there; null to read all as one.</param>
/// <param name="SkipBroken">Whether lines without a record are left out; else the first one is an error.</param>
/// <param name="Tokenizer">Name or full path of the tokenizer; null for bytes.</param>
/// <param name="TokenizerHash">What tells it from every other; null where nobody has opened it yet.</param>
internal sealed record TextReading(
    bool Packed = false, IReadOnlyList<double>? Weights = null, bool SkipBroken = false, string? Tokenizer = null, string? TokenizerHash = null)
{
    /// <summary>Every text in windows of bytes, as they are drawn: the whole of it, in equal measure.</summary>
    public static TextReading Plain { get; } = new();

    /// <summary>The reading with a tokenizer that is named by a user.</summary>
    /// <exception cref="UsageException">There is no such tokenizer.</exception>
    public TextReading With(string? tokenizer)
    {
        if (tokenizer is null || tokenizer == TextTokenizer.Bytes.Name)
        {
            return this with { Tokenizer = null, TokenizerHash = null };
        }

        TextReading named = this with { Tokenizer = TokenizerChoice.Names.Contains(tokenizer) ? tokenizer : Path.GetFullPath(tokenizer), TokenizerHash = null };
        return named with { TokenizerHash = named.Open().Fingerprint };
    }

    /// <summary>Opens the tokenizer.</summary>
    /// <exception cref="UsageException">It is not there, or no longer what it was.</exception>
    public TextTokenizer Open()
    {
        if (Tokenizer is null)
        {
            return TextTokenizer.Bytes;
        }

        try
        {
            TextTokenizer tokenizer = TokenizerChoice.Open(Tokenizer);
            UsageException.ThrowUnless(
                TokenizerHash is null || TokenizerHash == tokenizer.Fingerprint, $"The tokenizer in {Tokenizer} is not the one that the run began with: its files have changed.");
            return tokenizer;
        }
        catch (TokenizerException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>Opens the tokenizer for a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="what">What the model is of, as in "the checkpoint in runs/a".</param>
    /// <exception cref="UsageException">It is not there, or does not fit the model.</exception>
    public TextTokenizer OpenFor(ModelConfiguration model, string what)
    {
        TextTokenizer tokenizer = Open();
        UsageException.ThrowUnless(
            tokenizer.Vocabulary == model.Vocabulary,
            $"The tokenizer {tokenizer.Name} has {tokenizer.Vocabulary:N0} tokens, and {what} a vocabulary of {model.Vocabulary:N0}; name the one that it has learnt from with --tokenizer.");
        return tokenizer;
    }

    /// <summary>Throws unless it goes with the paths.</summary>
    /// <exception cref="UsageException">It does not.</exception>
    public void Require(IReadOnlyList<string> paths) => UsageException.ThrowUnless(
        Weights is null || Weights.Count == paths.Count,
        $"{Wording.Count(Weights?.Count ?? 0, "weight")} for {Wording.Count(paths.Count, "path")} of text: each path has one.");
}

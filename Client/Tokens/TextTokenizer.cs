using System.Runtime.CompilerServices;

namespace MoEActors.Client.Tokens;

/// <summary>Turns text into the tokens that a model reads, and back. One object serves any number of threads.</summary>
public abstract class TextTokenizer
{
    /// <summary>A character of UTF-8 has four bytes at most, and so at most so many tokens.</summary>
    private const int MostTokensOfACharacter = 4;

    /// <summary>A token is a byte of UTF-8. Byte 0, which stands in no text, ends one.</summary>
    public static TextTokenizer Bytes { get; } = new ByteTokenizer();

    /// <summary>What it is called: the name by which <see cref="TokenizerChoice.Open"/> finds it again.</summary>
    public abstract string Name { get; }

    /// <summary>Number of tokens: what the vocabulary of a model must be.</summary>
    public abstract int Vocabulary { get; }

    /// <summary>The token behind the last one of a text.</summary>
    public abstract int EndOfText { get; }

    /// <summary>What a token is called where tokens are counted.</summary>
    public virtual string Unit => "token";

    /// <summary>Tells it from every other, also from one of the same name: 64 hexadecimal digits, or the name where that says all.</summary>
    public abstract string Fingerprint { get; }

    /// <summary>
    /// The tokens of a text, without an end. What reads like a special token, as an end in a text about tokenizers, is text, apart from the marks of ChatML where there are tokens for them.
    /// </summary>
    /// <param name="text">Text without halves of surrogate pairs.</param>
    public abstract int[] Encode(string text);

    /// <summary>The text of tokens; the replacement character for what is no UTF-8.</summary>
    /// <param name="tokens">Tokens below <see cref="Vocabulary"/>.</param>
    public abstract string Decode(IReadOnlyList<int> tokens);

    /// <summary>The text of tokens as they come, in pieces of whole characters. It ends with the tokens, or at <see cref="EndOfText"/>.</summary>
    /// <param name="tokens">Tokens below <see cref="Vocabulary"/>.</param>
    /// <param name="cancellationToken">Stops waiting for tokens.</param>
    public virtual async IAsyncEnumerable<string> DecodeAsync(IAsyncEnumerable<int> tokens, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        List<int> open = [];
        await foreach (int token in tokens.TakeWhile(token => token != EndOfText).WithCancellation(cancellationToken))
        {
            open.Add(token);
            string text = Decode(open);
            if (!text.EndsWith('\uFFFD') || open.Count >= MostTokensOfACharacter)
            {
                open.Clear();
                yield return text;
            }
        }

        if (open.Count > 0)
        {
            yield return Decode(open);
        }
    }
}

/// <summary>A tokenizer that is not there, or cannot be used. The message says what, where and what to do.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="cause">The exception behind it, if there is one.</param>
public sealed class TokenizerException(string message, Exception? cause = null) : Exception(message, cause);

using System.Runtime.CompilerServices;
using System.Text;

namespace MoEActors.Client.Data;

/// <summary>Text as the tokens of a byte-level model, and back.</summary>
public static class ByteText
{
    /// <summary>The tokens of a text: its bytes in UTF-8.</summary>
    public static int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];
    }

    /// <summary>The text of tokens as they come: a character of several bytes when its last one is there, the replacement character for what is no UTF-8.</summary>
    /// <param name="tokens">Bytes.</param>
    /// <param name="cancellationToken">Stops waiting for tokens.</param>
    public static async IAsyncEnumerable<string> Decode(
        IAsyncEnumerable<int> tokens, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        Decoder decoder = Encoding.UTF8.GetDecoder();
        char[] characters = new char[4];
        await foreach (int token in tokens.WithCancellation(cancellationToken))
        {
            if (decoder.GetChars([(byte)token], characters, flush: false) is > 0 and var count)
            {
                yield return new string(characters, 0, count);
            }
        }

        // The first bytes of a character whose others did not come.
        if (decoder.GetChars([], characters, flush: true) is > 0 and var left)
        {
            yield return new string(characters, 0, left);
        }
    }
}

using System.Text;
using MoEActors.Client.Data;

namespace MoEActors.Client.Tokens;

/// <summary>A token is a byte.</summary>
internal sealed class ByteTokenizer : TextTokenizer
{
    public override string Name => "bytes";

    public override int Vocabulary => ByteBatches.Vocabulary;

    public override int EndOfText => 0;

    public override string Unit => "byte";

    public override string Fingerprint => Name;

    public override int[] Encode(string text) => ByteText.Encode(text);

    public override string Decode(IReadOnlyList<int> tokens) => Encoding.UTF8.GetString([.. tokens.Select(token => (byte)token)]);

    public override IAsyncEnumerable<string> DecodeAsync(IAsyncEnumerable<int> tokens, CancellationToken cancellationToken = default) =>
        ByteText.Decode(tokens.TakeWhile(token => token != EndOfText), cancellationToken);
}

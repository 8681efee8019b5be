namespace MoEActors.Client.Data.Packing;

/// <summary>A document as tokens.</summary>
/// <param name="Name">Where it is from: a file, and in a file of records the line.</param>
/// <param name="Tokens">The tokens, with the end of the text where it is one.</param>
/// <param name="Learnt">By token, whether the model is to learn to predict it; empty where it is to learn all of them.</param>
public sealed record TokenDocument(string Name, ReadOnlyMemory<int> Tokens, ReadOnlyMemory<bool> Learnt)
{
    /// <summary>A part of it.</summary>
    /// <param name="start">Its first token.</param>
    /// <param name="length">Its tokens.</param>
    public TokenDocument Part(int start, int length) =>
        this with { Tokens = Tokens.Slice(start, length), Learnt = Learnt.IsEmpty ? Learnt : Learnt.Slice(start, length) };

    /// <summary>The token, if the model is to learn to predict it; else −1.</summary>
    internal int TargetAt(int token) => Learnt.IsEmpty || Learnt.Span[token] ? Tokens.Span[token] : -1;
}

/// <summary>Documents that are read together.</summary>
/// <param name="Documents">The documents, in an order that does not change.</param>
/// <param name="Weight">How much of what is read is from here, over the sum of all weights.</param>
public sealed record DocumentSource(IReadOnlyList<TokenDocument> Documents, double Weight = 1);

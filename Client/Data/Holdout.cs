namespace MoEActors.Client.Data;

/// <summary>Keeps a tenth of documents for validation, by one rule for all kinds of them.</summary>
internal static class Holdout
{
    /// <summary>Every tenth document, or the tenth part of each, is for validation.</summary>
    public const int Fold = 10;

    /// <summary>The least and the largest part of the whole that every tenth document may be.</summary>
    private const double LeastShare = 0.05, LargestShare = 0.2;

    /// <summary>
    /// Of ten or more, those at index i with i mod 10 = 9 are for validation, if they have from a twentieth to a fifth of the whole; of fewer, and where sizes are too unequal for
    /// that, the last tenth of each is.
    /// </summary>
    /// <param name="ordered">The documents, in an order that does not change.</param>
    /// <param name="lengthOf">How long one is.</param>
    /// <param name="part">The part of one from a place on, of a length.</param>
    public static (T[] Training, T[] Validation) Divide<T>(IReadOnlyList<T> ordered, Func<T, int> lengthOf, Func<T, int, int, T> part)
    {
        T[] training = [.. ordered.Where((_, i) => i % Fold != Fold - 1)], validation = [.. ordered.Where((_, i) => i % Fold == Fold - 1)];
        double all = Math.Max(1, ordered.Sum(document => (long)lengthOf(document)));
        if (validation.Sum(document => (long)lengthOf(document)) / all is >= LeastShare and <= LargestShare)
        {
            return (training, validation);
        }

        int Kept(T document) => lengthOf(document) / Fold;
        return (
            [.. ordered.Select(document => part(document, 0, lengthOf(document) - Kept(document)))],
            [.. ordered.Select(document => part(document, lengthOf(document) - Kept(document), Kept(document)))]);
    }
}

using MoEActors.Modules.Autograd;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>The exchange of one process that holds every expert: rows are where they belong, nothing is copied.</summary>
/// <param name="experts">Experts of the layer.</param>
public sealed class LocalExpertExchange(int experts) : IExpertExchange
{
    private readonly int[] _order = [.. Enumerable.Range(0, experts)];
    private readonly int[] _counts = new int[experts];

    /// <inheritdoc />
    public ReadOnlySpan<int> SendOrder => _order;

    /// <inheritdoc />
    public int Sources => 1;

    /// <inheritdoc />
    public ReadOnlySpan<int> SendLengths => _counts;

    /// <inheritdoc />
    public ReadOnlySpan<int> SegmentLengths => _counts;

    /// <inheritdoc />
    public void Plan(Tape tape, ReadOnlySpan<int> counts) => counts.CopyTo(_counts);

    /// <inheritdoc />
    public Matrix ToExperts(Tape tape, in Matrix rows) => rows;

    /// <inheritdoc />
    public Matrix FromExperts(Tape tape, in Matrix expertRows) => expertRows;
}

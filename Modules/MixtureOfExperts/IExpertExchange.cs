using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// Brings rows to the experts of one layer and back. On every worker of a cluster the same calls are made in the same order; a
/// worker without tokens takes part with none.
/// </summary>
public interface IExpertExchange
{
    /// <summary>Segments per local expert: the workers that rows come from, in rank order.</summary>
    int Sources { get; }

    /// <summary>
    /// Experts of the layer in the order in which rows leave: by destination, then as the destination holds them. An expert with replicas
    /// appears once for each.
    /// </summary>
    ReadOnlySpan<int> SendOrder { get; }

    /// <summary>Exchanges how many rows every worker sends to every other, and reads it: the one time in a layer that the host waits for the device.</summary>
    /// <param name="tape">The tape of the pass.</param>
    /// <param name="counts">Rows for each expert of the layer, on the device.</param>
    void ExchangeCounts(Tape tape, DeviceSpan<int> counts);

    /// <summary>After <see cref="ExchangeCounts"/>: rows that leave, by <see cref="SendOrder"/>. Those of an expert add up to its count.</summary>
    ReadOnlySpan<int> SendLengths { get; }

    /// <summary>After <see cref="ExchangeCounts"/>: rows that arrive, [local experts × <see cref="Sources"/>].</summary>
    ReadOnlySpan<int> SegmentLengths { get; }

    /// <summary>Sends rows, which lie in <see cref="SendOrder"/>, to the experts.</summary>
    /// <returns>The rows that arrived, by (local expert, source).</returns>
    Matrix Dispatch(Tape tape, in Matrix rows);

    /// <summary>Sends the experts' rows back to where they came from.</summary>
    /// <returns>This worker's rows in <see cref="SendOrder"/>.</returns>
    Matrix Combine(Tape tape, in Matrix expertRows);
}

/// <summary>The exchange of one process that holds every expert: nothing is copied.</summary>
/// <param name="experts">Experts of the layer.</param>
public sealed class SingleProcessExchange(int experts) : IExpertExchange
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
    public void ExchangeCounts(Tape tape, DeviceSpan<int> counts) => tape.Device.Read(counts, _counts);

    /// <inheritdoc />
    public Matrix Dispatch(Tape tape, in Matrix rows) => rows;

    /// <inheritdoc />
    public Matrix Combine(Tape tape, in Matrix expertRows) => expertRows;
}

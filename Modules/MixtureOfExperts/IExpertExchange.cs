using MoEActors.Modules.Autograd;
using MoEActors.Modules.Experts;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.MixtureOfExperts;

/// <summary>
/// Brings rows to the experts of one layer and back, or experts to the rows. On every worker of a cluster the same calls are made in the same order; a
/// worker without tokens takes part with none.
/// </summary>
public interface IExpertExchange
{
    /// <summary>Segments per local expert: the workers that rows come from, in rank order.</summary>
    int Sources { get; }

    /// <summary>
    /// Experts of the layer in the order in which rows leave: by destination, then as the destination holds them. Each is there at least once; an expert with
    /// replicas may appear once for each. The order of a pass is known after <see cref="ExchangeCounts"/>.
    /// </summary>
    ReadOnlySpan<int> SendOrder { get; }

    /// <summary>Exchanges how many rows every worker sends to every other, and reads it: the one time in a layer that the host waits for the device.</summary>
    /// <param name="tape">The tape of the pass.</param>
    /// <param name="counts">Rows for each expert of the layer, on the device.</param>
    void ExchangeCounts(Tape tape, DeviceSpan<int> counts);

    /// <summary>After <see cref="ExchangeCounts"/>: rows that leave, by <see cref="SendOrder"/>. Those of an expert add up to its count.</summary>
    ReadOnlySpan<int> SendLengths { get; }

    /// <summary>After <see cref="ExchangeCounts"/>: rows that arrive, [experts of <see cref="BringExperts"/> × <see cref="Sources"/>].</summary>
    ReadOnlySpan<int> SegmentLengths { get; }

    /// <summary>Which parts of the experts' gradients are kept apart in this pass; null for none.</summary>
    IGradientParts? Parts { get; }

    /// <summary>
    /// After <see cref="ExchangeCounts"/>: the parameters of the experts that rows come to, in the order in which rows lie. Those that this worker does not
    /// hold are copied here, and stay until the pass ends, backward included.
    /// </summary>
    IReadOnlyList<IReadOnlyList<Parameter>> BringExperts(Tape tape);

    /// <summary>Sends rows, which lie in <see cref="SendOrder"/>, to the experts.</summary>
    /// <returns>The rows that arrived, by (local expert, source).</returns>
    Matrix Dispatch(Tape tape, in Matrix rows);

    /// <summary>Sends the experts' rows back to where they came from.</summary>
    /// <returns>This worker's rows in <see cref="SendOrder"/>.</returns>
    Matrix Combine(Tape tape, in Matrix expertRows);
}

/// <summary>The exchange of one process that holds every expert: nothing is copied.</summary>
/// <param name="experts">The experts' parameters.</param>
public sealed class SingleProcessExchange(IReadOnlyList<IReadOnlyList<Parameter>> experts) : IExpertExchange
{
    private readonly int[] _order = [.. Enumerable.Range(0, experts.Count)];
    private readonly int[] _counts = new int[experts.Count];

    /// <inheritdoc />
    public ReadOnlySpan<int> SendOrder => _order;

    /// <inheritdoc />
    public int Sources => 1;

    /// <inheritdoc />
    public ReadOnlySpan<int> SendLengths => _counts;

    /// <inheritdoc />
    public ReadOnlySpan<int> SegmentLengths => _counts;

    /// <inheritdoc />
    public IGradientParts? Parts => null;

    /// <inheritdoc />
    public IReadOnlyList<IReadOnlyList<Parameter>> BringExperts(Tape tape) => experts;

    /// <inheritdoc />
    public void ExchangeCounts(Tape tape, DeviceSpan<int> counts) => tape.Device.Read(counts, _counts);

    /// <inheritdoc />
    public Matrix Dispatch(Tape tape, in Matrix rows) => rows;

    /// <inheritdoc />
    public Matrix Combine(Tape tape, in Matrix expertRows) => expertRows;
}

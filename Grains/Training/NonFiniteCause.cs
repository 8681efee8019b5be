using System.Globalization;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Modules.Gates;

namespace MoEActors.Grains.Training;

/// <summary>Says why a step was refused: values that were not finite before it, or else the first micro-batch and where its trouble begins.</summary>
/// <param name="step">The step.</param>
/// <param name="losses">Losses of its micro-batches, ascending.</param>
/// <param name="norm">Norm of its gradient.</param>
/// <param name="routers">What its gates saw.</param>
/// <param name="found">Tensors that are not finite.</param>
internal sealed class NonFiniteCause(long step, IReadOnlyList<LossPart> losses, double norm, IEnumerable<RouterPart> routers, IReadOnlyList<NonFinitePart> found)
{
    private readonly LossPart? _loss = losses.Cast<LossPart?>().FirstOrDefault(loss => !IsFinite(loss!.Value));

    /// <summary>Whether a loss and its parts are numbers.</summary>
    public static bool IsFinite(LossPart loss) => double.IsFinite(loss.CrossEntropySum + loss.Auxiliary);

    /// <summary>The error.</summary>
    public NonFiniteLossException ToException()
    {
        NonFinitePart[] values = [.. found.Where(part => part.MicroBatch < 0).OrderBy(Depth).ThenBy(part => part.Expert).Distinct()];
        return values.Length > 0 ? OfValues(values[0]) : _loss is { } loss ? OfLoss(loss) : OfGradient();
    }

    private NonFiniteLossException OfValues(NonFinitePart part) => new(
        step,
        $"{Symptom}: the values of {Words(part)} are not all finite. They were so before this step: restore the last checkpoint that was sound.")
    {
        MicroBatch = _loss?.Index,
        Layer = Known(part.Layer),
        Expert = Known(part.Expert),
        Tensor = part.Tensor,
    };

    private NonFiniteLossException OfLoss(LossPart loss)
    {
        int? layer = routers.Where(part => part.MicroBatch == loss.Index && !double.IsFinite(part.EntropySum)).Min(part => (int?)part.Layer);
        string where = layer is { } gate ? $", and the gate of layer {gate} is the first that such values reach" : "";
        return new NonFiniteLossException(step, $"{Symptom}{where}. All parameters are finite. {Advice}") { MicroBatch = loss.Index, Layer = layer };
    }

    private NonFiniteLossException OfGradient()
    {
        if (found.Count == 0)
        {
            return new NonFiniteLossException(step, $"{Symptom}. {Advice}");
        }

        // Backward comes from the head: of what one micro-batch spoilt, the deepest layer was first, and there the experts before what feeds them.
        NonFinitePart part = found.OrderBy(one => one.MicroBatch).ThenByDescending(Depth)
            .ThenBy(one => one.Expert < 0).ThenBy(one => one.Expert).ThenBy(one => one.Tensor, StringComparer.Ordinal).First();
        return new NonFiniteLossException(
            step, $"{Symptom}: the gradient of {Words(part)} is not finite after micro-batch {Number(part.MicroBatch)}, whose loss is. {Advice}")
        {
            MicroBatch = part.MicroBatch,
            Layer = Known(part.Layer),
            Expert = Known(part.Expert),
            Tensor = part.Tensor,
        };
    }

    private const string Advice = "Nothing was changed; leave the batch out, or lower the learning rate.";

    private string Symptom => _loss is { } loss
        ? string.Create(CultureInfo.InvariantCulture, $"the loss of micro-batch {loss.Index} is {loss.CrossEntropySum + loss.Auxiliary}")
        : string.Create(CultureInfo.InvariantCulture, $"the gradient norm is {norm}");

    private static string Words(NonFinitePart part) =>
        part.Expert >= 0 ? $"expert {Number(part.Expert)} of layer {Number(part.Layer)} ({part.Tensor})" : $"the dense tensor {part.Tensor}";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>How far from the input a tensor takes part.</summary>
    private static int Depth(NonFinitePart part) => part.Layer >= 0 ? part.Layer : part.Tensor == ModelLayout.Embedding ? -1 : int.MaxValue;

    private static int? Known(int index) => index < 0 ? null : index;
}

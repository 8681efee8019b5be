using MoEActors.Modules.Autograd;
using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Gates;

/// <summary>
/// The bias that balances without a loss (Wang et al., arXiv 2408.15664; DeepSeek-V3, arXiv 2412.19437, §2.1.2): it takes part in the
/// choice alone, and after each step <c>bₑ += u·sign(mean − countₑ)</c> over the tokens of the whole step that chose e.
/// <para>
/// It lives in the layer's dense block as a parameter that is not trained, so that it is copied, saved and compared with the others. The
/// memory of its gradient carries the counts: they are added up over micro-batches and workers by the way that gradients take, exactly,
/// as whole numbers, and an aborted step leaves no trace.
/// </para>
/// </summary>
/// <param name="bias">b, [1, experts].</param>
internal sealed class BalanceBias(Parameter bias)
{
    /// <summary>[experts].</summary>
    public DeviceSpan<float> Values => bias.Vector;

    /// <summary>Adds a micro-batch's tokens per expert, those dropped included.</summary>
    public void AddCounts(Tape tape, DeviceSpan<int> chosenTokens) => tape.Device.AddCounts(chosenTokens, bias.GradientVector);

    /// <summary>Moves every bias by <paramref name="rate"/> towards an equal count.</summary>
    public void Update(IDevice device, DeviceSpan<float> gradients, float rate) =>
        device.MoveBias(gradients.Slice(bias.Offset, bias.Shape.Columns), rate, bias.Vector);
}

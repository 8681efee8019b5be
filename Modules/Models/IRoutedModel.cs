using MoEActors.Modules.Gates;
using MoEActors.Native.Memory;

namespace MoEActors.Modules.Models;

/// <summary>What a worker runs of a model, whatever its trunk: mixture-of-experts layers over dense parameters and resident experts.</summary>
public interface IRoutedModel : IDisposable
{
    /// <summary>The configuration.</summary>
    ModelConfiguration Configuration { get; }

    /// <summary>
    /// The gate of a layer; null for a dense layer. Its policy may be replaced between two steps (<see cref="IGate.Reconfigure"/>), on
    /// every worker alike.
    /// </summary>
    IGate? GateOf(int layer);

    /// <summary>Ends a step, beside the optimizer: updates what gates keep but do not train, such as the bias that balances.</summary>
    /// <param name="gradients">Dense gradients over all micro-batches of the step, alike on every worker.</param>
    void EndStep(DeviceSpan<float> gradients);
}

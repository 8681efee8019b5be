using MoEActors.Native.Memory;

namespace MoEActors.Modules.Experts;

/// <summary>
/// Parts of weight gradients that may not be added yet: an expert with replicas adds the parts of its micro-batches at one place, in
/// ascending order, whichever replica computed them. Experts and segments are those of an <see cref="ExpertBatch"/>.
/// </summary>
public interface IGradientParts
{
    /// <summary>Starts the backward pass of what the last forward pass brought.</summary>
    void Begin();

    /// <summary>How many of an expert's first segments are added to its gradient at once; the parts of later ones are kept apart.</summary>
    int AddedSegments(int expert);

    /// <summary>Where the part of a later segment that has rows goes: laid out as the expert's gradients, undefined when the pass begins.</summary>
    DeviceSpan<float> PartOf(int expert, int segment);
}

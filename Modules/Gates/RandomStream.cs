namespace MoEActors.Modules.Gates;

/// <summary>What a gate draws random numbers for; each has a stream of its own.</summary>
internal enum RandomStream
{
    /// <summary>Factors on the router's input.</summary>
    Jitter,

    /// <summary>Noise on the logits.</summary>
    Noise,

    /// <summary>The order in which tokens get slots.</summary>
    Slots,

    /// <summary>Noise by which the second choice is drawn.</summary>
    SecondChoice,
}

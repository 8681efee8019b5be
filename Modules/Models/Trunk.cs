namespace MoEActors.Modules.Models;

/// <summary>What the mixture-of-experts layers of a model stand in.</summary>
public enum Trunk
{
    /// <summary>A decoder: embedding, attention, norms and head of a language model.</summary>
    Decoder,

    /// <summary>Nothing: one layer by itself, in a trunk of the caller's own (<see cref="LayerConfiguration"/>).</summary>
    None,
}

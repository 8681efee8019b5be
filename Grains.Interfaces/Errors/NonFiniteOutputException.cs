namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A text that cannot go on: the model's logits are not finite, and nothing can be drawn from them.</summary>
[GenerateSerializer]
[Alias("moe.error.nonfinite-output")]
public sealed class NonFiniteOutputException(string message) : MoEException(message);

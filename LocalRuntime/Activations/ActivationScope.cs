namespace Orleans.Runtime;

/// <summary>Hands an activation to what is made in its service scope.</summary>
internal sealed class ActivationScope
{
    public IGrainContext? Context { get; set; }
}

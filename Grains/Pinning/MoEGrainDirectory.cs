namespace MoEActors.Grains.Pinning;

/// <summary>The grain directory of this project's grains.</summary>
public static class MoEGrainDirectory
{
    /// <summary>Its name, under which a silo registers it.</summary>
    public const string Name = "moe";
}

namespace MoEActors.Tests.CudaEmulation;

/// <summary>Tests that use the emulated CUDA take turns: they read its log and count what it holds.</summary>
[CollectionDefinition(Name)]
public sealed class CudaCollection
{
    public const string Name = "CUDA";
}

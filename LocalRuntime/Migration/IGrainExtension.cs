namespace Orleans.Runtime;

/// <summary>An interface that the runtime answers for grains. The embedded runtime knows <see cref="Orleans.Core.Internal.IGrainManagementExtension"/> only.</summary>
public interface IGrainExtension : IAddressable
{
}

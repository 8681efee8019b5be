namespace Orleans;

/// <summary>An object of a client that grains may call. The embedded runtime has none.</summary>
public interface IGrainObserver : Runtime.IAddressable
{
}

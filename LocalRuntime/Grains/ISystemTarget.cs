namespace Orleans;

/// <summary>Anything that is addressed on one silo, like a grain service.</summary>
public interface ISystemTarget : Runtime.IAddressable
{
}

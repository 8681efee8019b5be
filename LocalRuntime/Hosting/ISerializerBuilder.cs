using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Serialization;

/// <summary>Configures what travels in grain calls.</summary>
public interface ISerializerBuilder
{
    /// <summary>The services.</summary>
    IServiceCollection Services { get; }
}

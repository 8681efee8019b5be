using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Services;

namespace Orleans.Hosting;

/// <summary>Adds grain services.</summary>
public static class GrainServicesSiloBuilderExtensions
{
    /// <summary>Adds a grain service.</summary>
    public static ISiloBuilder AddGrainService<T>(this ISiloBuilder builder)
        where T : GrainService
    {
        builder.Services.AddGrainService<T>();
        return builder;
    }

    /// <summary>Adds a grain service.</summary>
    public static IServiceCollection AddGrainService<T>(this IServiceCollection services) => services.AddGrainService(typeof(T));

    /// <summary>Adds a grain service.</summary>
    public static IServiceCollection AddGrainService(this IServiceCollection services, Type grainServiceType) =>
        services.AddSingleton<IGrainService>(provider =>
        {
            GrainType type = GrainServiceIds.TypeOf(GrainServiceIds.InterfaceOf(grainServiceType));
            GrainId id = GrainServiceIds.On(type, provider.GetRequiredService<Silo>().SiloAddress);
            return (GrainService)ActivatorUtilities.CreateInstance(provider, grainServiceType, id);
        });
}

using Microsoft.Extensions.DependencyInjection;
using MoEActors.Silo.Embedded;

namespace MoEActors.Tests.Runtime;

internal static class EmbeddedSiloExtensions
{
    /// <summary>The grain factory of the silo's own client.</summary>
    public static IGrainFactory Grains(this EmbeddedSilo silo) => silo.Services.GetRequiredService<IGrainFactory>();

    public static T Service<T>(this EmbeddedSilo silo)
        where T : notnull => silo.Services.GetRequiredService<T>();
}

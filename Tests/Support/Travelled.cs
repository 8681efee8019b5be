using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace MoEActors.Tests.Support;

/// <summary>Sends values through Orleans' serializer, as they travel between silos.</summary>
internal static class Travelled
{
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    /// <summary>What arrives.</summary>
    public static T Over<T>(T value) => Serializer.Deserialize<T>(Serializer.SerializeToArray(value))!;
}

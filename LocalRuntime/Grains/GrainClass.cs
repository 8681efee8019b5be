using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using Orleans.Placement;

namespace Orleans.Runtime;

/// <summary>What is known of a grain class.</summary>
internal sealed class GrainClass
{
    private readonly Lazy<ObjectFactory> _factory;

    public GrainClass(Type type)
    {
        Class = type;
        Type = GrainType.Create(type.GetCustomAttribute<GrainTypeAttribute>()?.GrainType ?? DefaultName(type));
        IsReentrant = type.IsDefined(typeof(ReentrantAttribute));
        KeepAlive = type.IsDefined(typeof(KeepAliveAttribute));
        Strategy = type.GetCustomAttribute<PlacementAttribute>()?.PlacementStrategy ?? new RandomPlacement();
        _factory = new Lazy<ObjectFactory>(() => ActivatorUtilities.CreateFactory(type, []));
    }

    public Type Class { get; }

    public GrainType Type { get; }

    public bool IsReentrant { get; }

    public bool KeepAlive { get; }

    public PlacementStrategy Strategy { get; }

    public object NewInstance(IServiceProvider services) => _factory.Value(services, []);

    private static string DefaultName(Type type)
    {
        string name = type.Name.ToLowerInvariant();
        return name.EndsWith("grain", StringComparison.Ordinal) && name.Length > "grain".Length ? name[..^"grain".Length] : name;
    }
}

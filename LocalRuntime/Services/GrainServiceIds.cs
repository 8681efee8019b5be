using Orleans.Services;

namespace Orleans.Runtime;

/// <summary>The identities of grain services.</summary>
internal static class GrainServiceIds
{
    public static GrainType TypeOf(Type serviceInterface) => GrainType.Create($"sys.svc.user.{serviceInterface.FullName}");

    public static GrainId On(GrainType type, SiloAddress silo) => GrainId.Create(type, silo.ToParsableString());

    /// <summary>The interface that a grain service class is called through.</summary>
    public static Type InterfaceOf(Type serviceClass) =>
        serviceClass.GetInterfaces().FirstOrDefault(one => one != typeof(IGrainService) && typeof(IGrainService).IsAssignableFrom(one))
        ?? throw new InvalidOperationException($"{serviceClass} must implement an interface that extends IGrainService.");
}

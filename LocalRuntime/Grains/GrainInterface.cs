using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Reflection;

namespace Orleans.Runtime;

/// <summary>What is known of a grain interface: its name, its methods, how to make a proxy for it.</summary>
internal sealed class GrainInterface
{
    private static readonly ConcurrentDictionary<Type, GrainInterface> Known = new();

    private readonly FrozenDictionary<MethodInfo, CallMethod> _methods;

    private GrainInterface(Type contract)
    {
        if (!contract.IsInterface || !typeof(IAddressable).IsAssignableFrom(contract))
        {
            throw new ArgumentException($"{contract} is not a grain interface.");
        }

        Contract = contract;
        Name = contract.GetCustomAttribute<AliasAttribute>()?.Alias ?? contract.FullName ?? contract.Name;
        Type = GrainInterfaceType.Create(Name);
        _methods = contract.GetInterfaces().Append(contract)
            .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Public))
            .ToFrozenDictionary(method => method, CallMethod.Of);
    }

    public Type Contract { get; }

    public string Name { get; }

    public GrainInterfaceType Type { get; }

    public static GrainInterface Of(Type contract) => Known.GetOrAdd(contract, static type => new GrainInterface(type));

    public object NewProxy() => DispatchProxy.Create(Contract, typeof(GrainReference));

    public CallMethod Method(MethodInfo method) => _methods[method];
}

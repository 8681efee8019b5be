using System.Reflection;

namespace Orleans.Runtime;

/// <summary>A reference to a grain: the base of the proxies that implement grain interfaces.</summary>
public class GrainReference : DispatchProxy, IAddressable, IEquatable<GrainReference>
{
    private GrainInterface _interface = null!;

    /// <summary>The grain that is meant.</summary>
    public GrainId GrainId { get; private set; }

    /// <summary>The interface that it is called through.</summary>
    public GrainInterfaceType InterfaceType => _interface.Type;

    /// <summary>The name of the interface that it is called through.</summary>
    public string InterfaceName => _interface.Name;

    internal CallDispatcher Dispatcher { get; private set; } = null!;

    internal SiloAddress? TargetSilo { get; private set; }

    internal static GrainReference Create(CallDispatcher dispatcher, GrainInterface through, GrainId id, SiloAddress? silo = null)
    {
        var reference = (GrainReference)through.NewProxy();
        reference._interface = through;
        reference.GrainId = id;
        reference.Dispatcher = dispatcher;
        reference.TargetSilo = silo;
        return reference;
    }

    /// <summary>The same reference, for use by whoever received it.</summary>
    internal GrainReference For(CallDispatcher receiver) =>
        ReferenceEquals(receiver, Dispatcher) ? this : Create(receiver, _interface, GrainId, TargetSilo);

    /// <inheritdoc/>
    public bool Equals(GrainReference? other) => other is not null && GrainId.Equals(other.GrainId);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GrainReference);

    /// <inheritdoc/>
    public override int GetHashCode() => GrainId.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => $"GrainReference:{GrainId}";

    /// <summary>Equality of the grains that are meant.</summary>
    public static bool operator ==(GrainReference? left, GrainReference? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Inequality of the grains that are meant.</summary>
    public static bool operator !=(GrainReference? left, GrainReference? right) => !(left == right);

    /// <inheritdoc/>
    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        // Wherever a reference came from, a grain calls from its own silo.
        CallDispatcher dispatcher = (RuntimeContext.Current as Activation)?.Silo.Dispatcher ?? Dispatcher;
        return dispatcher.Call(this, _interface.Method(targetMethod!), args ?? []);
    }
}

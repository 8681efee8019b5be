using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Net;
using System.Numerics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>Which types may travel, and which of them need no copy.</summary>
internal static class WireTypes
{
    private static readonly ConcurrentDictionary<Type, bool> Verdicts = new();

    private static readonly HashSet<Type> ImmutableTypes =
    [
        typeof(string), typeof(decimal), typeof(DateTime), typeof(DateTimeOffset), typeof(TimeSpan), typeof(DateOnly), typeof(TimeOnly),
        typeof(Guid), typeof(Uri), typeof(Version), typeof(Half), typeof(Int128), typeof(UInt128), typeof(BigInteger), typeof(Rune),
        typeof(IPEndPoint), typeof(CancellationToken), typeof(object), typeof(Complex), typeof(nint), typeof(nuint),
    ];

    private static readonly HashSet<Type> GenericTypes =
    [
        typeof(List<>), typeof(Dictionary<,>), typeof(HashSet<>), typeof(Queue<>), typeof(Stack<>), typeof(SortedDictionary<,>),
        typeof(SortedSet<>), typeof(SortedList<,>), typeof(ConcurrentDictionary<,>), typeof(ConcurrentQueue<>), typeof(Collection<>),
        typeof(ReadOnlyCollection<>), typeof(KeyValuePair<,>), typeof(ImmutableArray<>), typeof(ImmutableList<>), typeof(ImmutableHashSet<>),
        typeof(ImmutableDictionary<,>), typeof(ImmutableSortedDictionary<,>), typeof(ImmutableSortedSet<>), typeof(ImmutableQueue<>),
        typeof(ImmutableStack<>), typeof(Nullable<>), typeof(ReadOnlyMemory<>), typeof(Memory<>), typeof(ArraySegment<>),
    ];

    /// <summary>Whether a value of this type may travel in a grain call.</summary>
    public static bool Allows(Type type) => Verdicts.TryGetValue(type, out bool verdict) ? verdict : Verdicts.GetOrAdd(type, Judge);

    public static bool IsImmutable(Type type)
    {
        Type definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (type.IsPrimitive || type.IsEnum || ImmutableTypes.Contains(type) || type.IsDefined(typeof(ImmutableAttribute), inherit: false)
            || typeof(Type).IsAssignableFrom(type) || typeof(IPAddress).IsAssignableFrom(type) || typeof(IAddressable).IsAssignableFrom(type) || typeof(Exception).IsAssignableFrom(type))
        {
            return true;
        }

        bool wraps = typeof(ITuple).IsAssignableFrom(type) || IsImmutableCollection(definition)
            || definition == typeof(KeyValuePair<,>) || definition == typeof(Nullable<>);
        return wraps && type.GetGenericArguments().All(argument => argument.IsSealed && Allows(argument) && IsImmutable(argument));
    }

    public static bool IsImmutableCollection(Type definition) =>
        definition.Namespace == "System.Collections.Immutable" && GenericTypes.Contains(definition);

    private static bool Judge(Type type)
    {
        if (type.IsPrimitive || type.IsEnum || ImmutableTypes.Contains(type) || typeof(Type).IsAssignableFrom(type)
            || typeof(IPAddress).IsAssignableFrom(type) || type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false)
            || typeof(IAddressable).IsAssignableFrom(type) || type == typeof(BitArray))
        {
            return true;
        }

        if (typeof(Exception).IsAssignableFrom(type))
        {
            return type.Namespace is string space
                && (space == "System" || space.StartsWith("System.", StringComparison.Ordinal) || space.StartsWith("Microsoft.", StringComparison.Ordinal)
                    || space.StartsWith("Azure.", StringComparison.Ordinal));
        }

        if (type.IsArray)
        {
            return AllowsDeclared(type.GetElementType()!);
        }

        if (!type.IsGenericType)
        {
            return false;
        }

        bool isKnown = GenericTypes.Contains(type.GetGenericTypeDefinition()) || (typeof(ITuple).IsAssignableFrom(type) && type.Namespace == "System")
            || IsComparer(type);
        return isKnown && type.GetGenericArguments().All(AllowsDeclared);
    }

    /// <summary>Whether a value declared so may travel. What an interface, an abstract class or object holds is judged when it is seen.</summary>
    public static bool AllowsDeclared(Type type) => type.IsInterface || type.IsAbstract || type == typeof(object) || Allows(type);

    private static bool IsComparer(Type type) =>
        type.GetTypeInfo().Assembly == typeof(EqualityComparer<>).Assembly && typeof(IEqualityComparer).IsAssignableFrom(type);
}

using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Orleans.Serialization;

/// <summary>Knows how to copy values of one type. To ask for the copier of a type that may not travel throws.</summary>
internal sealed class TypeCopier
{
    private static readonly ConcurrentDictionary<Type, TypeCopier> Known = new();
    private static readonly TypeCopier Immutable = new(null);

    private readonly Func<object, CopyContext, object>? _copy;

    private TypeCopier(Func<object, CopyContext, object>? copy) => _copy = copy;

    public bool IsImmutable => _copy is null;

    public static TypeCopier Of(Type type) => Known.TryGetValue(type, out TypeCopier? known) ? known : Known.GetOrAdd(type, Make);

    /// <summary>Whether the declared type alone shows that a value need not be copied.</summary>
    public static bool IsKnownImmutable(Type declared) =>
        declared.IsSealed && WireTypes.Allows(declared) && Of(declared).IsImmutable;

    public object Copy(object value, CopyContext context) => _copy!(value, context);

    private static TypeCopier Make(Type type)
    {
        if (!WireTypes.Allows(type))
        {
            throw new CodecNotFoundException(
                $"Could not find a copier for {type}: it is not a type that grain calls carry. Mark it [GenerateSerializer] and its members [Id(n)], or send another type.");
        }

        if (WireTypes.IsImmutable(type))
        {
            return Immutable;
        }

        if (type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false))
        {
            return new TypeCopier(MemberCopier.Emit(type));
        }

        MethodInfo? maker = CollectionCopiers.MakerFor(type);
        try
        {
            return maker is null ? Immutable : new TypeCopier((Func<object, CopyContext, object>)maker.Invoke(null, [])!);
        }
        catch (TargetInvocationException exception) when (exception.InnerException is not null)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException);
            throw;
        }
    }
}

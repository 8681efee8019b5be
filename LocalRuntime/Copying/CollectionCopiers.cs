using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Orleans.Serialization;

/// <summary>Makers of the functions that copy arrays, collections and tuples. Each is called with the type arguments of the type to copy.</summary>
internal static class CollectionCopiers
{
    private static readonly Dictionary<Type, string> Makers = new()
    {
        [typeof(List<>)] = nameof(List),
        [typeof(Dictionary<,>)] = nameof(Dictionary),
        [typeof(HashSet<>)] = nameof(HashSet),
        [typeof(Queue<>)] = nameof(Queue),
        [typeof(Stack<>)] = nameof(Stack),
        [typeof(SortedDictionary<,>)] = nameof(SortedDictionary),
        [typeof(SortedList<,>)] = nameof(SortedList),
        [typeof(SortedSet<>)] = nameof(SortedSet),
        [typeof(ConcurrentDictionary<,>)] = nameof(ConcurrentDictionary),
        [typeof(ConcurrentQueue<>)] = nameof(ConcurrentQueue),
        [typeof(Collection<>)] = nameof(Collection),
        [typeof(ReadOnlyCollection<>)] = nameof(ReadOnlyCollection),
        [typeof(ImmutableArray<>)] = nameof(ImmutableArrays),
        [typeof(ImmutableList<>)] = nameof(ImmutableLists),
        [typeof(ReadOnlyMemory<>)] = nameof(ReadOnlyMemory),
        [typeof(Memory<>)] = nameof(Memory),
        [typeof(ArraySegment<>)] = nameof(ArraySegment),
    };

    /// <summary>The maker for a type, or null where a value is passed as it is.</summary>
    public static MethodInfo? MakerFor(Type type)
    {
        if (type.IsArray)
        {
            return type.IsSZArray
                ? Method(nameof(Vector), type.GetElementType()!)
                : Method(nameof(MultiArray), type.GetElementType()!);
        }

        Type definition = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        if (Makers.TryGetValue(definition, out string? name))
        {
            return Method(name, type.GetGenericArguments());
        }

        return typeof(ITuple).IsAssignableFrom(type) || definition == typeof(KeyValuePair<,>) ? Method(nameof(Fields), type)
            : type == typeof(BitArray) ? Method(nameof(Bits))
            : null;
    }

    private static MethodInfo Method(string name, params Type[] arguments)
    {
        MethodInfo method = typeof(CollectionCopiers).GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!;
        return arguments.Length == 0 ? method : method.MakeGenericMethod(arguments);
    }

    private static T Copy<T>(T value, CopyContext context) => (T)context.Copy(value)!;

    private static bool IsPlain<T>() => TypeCopier.IsKnownImmutable(typeof(T));

    private static Func<object, CopyContext, object> Recorded<T>(Func<T, T> empty, Action<T, T, CopyContext> fill)
        where T : class => (source, context) =>
        {
            T copy = empty((T)source);
            context.Record(source, copy);
            fill((T)source, copy, context);
            return copy;
        };

    private static Func<object, CopyContext, object> Vector<T>() => IsPlain<T>()
        ? static (source, context) =>
        {
            object copy = ((T[])source).Clone();
            context.Record(source, copy);
            return copy;
        }
    : Recorded<T[]>(static source => new T[source.Length], static (source, copy, context) =>
    {
        for (int i = 0; i < source.Length; i++)
        {
            copy[i] = Copy(source[i], context);
        }
    });

    private static Func<object, CopyContext, object> MultiArray<T>() => IsPlain<T>()
        ? static (source, _) => ((Array)source).Clone()
        : static (source, context) =>
        {
            var copy = (Array)((Array)source).Clone();
            context.Record(source, copy);
            var index = new int[copy.Rank];
            for (long flat = 0; flat < copy.LongLength; flat++)
            {
                long rest = flat;
                for (int d = copy.Rank - 1; d >= 0; d--)
                {
                    index[d] = (int)(rest % copy.GetLength(d)) + copy.GetLowerBound(d);
                    rest /= copy.GetLength(d);
                }

                copy.SetValue(context.Copy(copy.GetValue(index)), index);
            }

            return copy;
        };

    private static Func<object, CopyContext, object> List<T>() => IsPlain<T>()
        ? Recorded<List<T>>(static source => new List<T>(source.Count), static (source, copy, _) => copy.AddRange(source))
        : Recorded<List<T>>(static source => new List<T>(source.Count), static (source, copy, context) =>
        {
            foreach (T item in source)
            {
                copy.Add(Copy(item, context));
            }
        });

    private static Func<object, CopyContext, object> Dictionary<TKey, TValue>()
        where TKey : notnull => Recorded<Dictionary<TKey, TValue>>(
            static source => new Dictionary<TKey, TValue>(source.Count, source.Comparer), FillDictionary);

    private static Func<object, CopyContext, object> SortedDictionary<TKey, TValue>()
        where TKey : notnull => Recorded<SortedDictionary<TKey, TValue>>(static source => new(source.Comparer), FillDictionary);

    private static Func<object, CopyContext, object> SortedList<TKey, TValue>()
        where TKey : notnull => Recorded<SortedList<TKey, TValue>>(static source => new(source.Count, source.Comparer), FillDictionary);

    private static Func<object, CopyContext, object> ConcurrentDictionary<TKey, TValue>()
        where TKey : notnull => Recorded<ConcurrentDictionary<TKey, TValue>>(static source => new(source.Comparer), FillDictionary);

    private static void FillDictionary<TKey, TValue>(IDictionary<TKey, TValue> source, IDictionary<TKey, TValue> copy, CopyContext context)
    {
        foreach ((TKey key, TValue value) in source)
        {
            copy.Add(Copy(key, context), Copy(value, context));
        }
    }

    private static Func<object, CopyContext, object> HashSet<T>() =>
        Recorded<HashSet<T>>(static source => new HashSet<T>(source.Count, source.Comparer), FillCollection);

    private static Func<object, CopyContext, object> SortedSet<T>() =>
        Recorded<SortedSet<T>>(static source => new SortedSet<T>(source.Comparer), FillCollection);

    private static Func<object, CopyContext, object> Collection<T>() => Recorded<Collection<T>>(static _ => [], FillCollection);

    private static void FillCollection<T>(ICollection<T> source, ICollection<T> copy, CopyContext context)
    {
        foreach (T item in source)
        {
            copy.Add(Copy(item, context));
        }
    }

    private static Func<object, CopyContext, object> Queue<T>() => static (source, context) => new Queue<T>(Items<T>(source, context));

    private static Func<object, CopyContext, object> Stack<T>() =>
        static (source, context) => new Stack<T>(Items<T>(source, context).Reverse());

    private static Func<object, CopyContext, object> ConcurrentQueue<T>() =>
        static (source, context) => new ConcurrentQueue<T>(Items<T>(source, context));

    private static Func<object, CopyContext, object> ReadOnlyCollection<T>() =>
        static (source, context) => new ReadOnlyCollection<T>([.. Items<T>(source, context)]);

    private static Func<object, CopyContext, object> ImmutableArrays<T>() => static (source, context) =>
        ((ImmutableArray<T>)source).IsDefault ? source : ImmutableArray.CreateRange(Items<T>(source, context));

    private static Func<object, CopyContext, object> ImmutableLists<T>() =>
        static (source, context) => ImmutableList.CreateRange(Items<T>(source, context));

    private static Func<object, CopyContext, object> ReadOnlyMemory<T>() =>
        static (source, _) => new ReadOnlyMemory<T>(((ReadOnlyMemory<T>)source).ToArray());

    private static Func<object, CopyContext, object> Memory<T>() => static (source, _) => new Memory<T>(((Memory<T>)source).ToArray());

    private static Func<object, CopyContext, object> ArraySegment<T>() =>
        static (source, _) => new ArraySegment<T>([.. (ArraySegment<T>)source]);

    private static IEnumerable<T> Items<T>(object source, CopyContext context) =>
        ((IEnumerable<T>)source).Select(item => Copy(item, context));

    private static Func<object, CopyContext, object> Fields<T>() => MemberCopier.EmitAllFields(typeof(T));

    private static Func<object, CopyContext, object> Bits() => static (source, _) => new BitArray((BitArray)source);
}

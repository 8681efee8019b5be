using System.Collections.Concurrent;
using System.Reflection;

namespace Orleans.Runtime;

/// <summary>
/// Finds the grain classes: in every loaded assembly that knows this runtime, in what those refer to, and in the assemblies
/// that were registered with <c>AddSerializer(b => b.AddAssembly(...))</c>.
/// </summary>
internal static class GrainClasses
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<Assembly> Scanned = [];
    private static readonly List<GrainClass> Classes = [];
    private static readonly ConcurrentDictionary<(Type, string?), GrainClass> ByInterface = new();
    private static readonly ConcurrentDictionary<GrainType, GrainClass> ByType = new();
    private static readonly Assembly Runtime = typeof(GrainClasses).Assembly;

    public static void Register(Assembly assembly)
    {
        lock (Gate)
        {
            Scan(assembly);
        }
    }

    public static GrainClass Implementing(Type interfaceType, string? prefix) =>
        ByInterface.TryGetValue((interfaceType, prefix), out GrainClass? known)
            ? known
            : ByInterface.GetOrAdd((interfaceType, prefix), static key => Find(key.Item1, key.Item2));

    public static GrainClass Named(GrainType type)
    {
        if (!ByType.TryGetValue(type, out GrainClass? known))
        {
            ScanLoaded();
        }

        return known ?? (ByType.TryGetValue(type, out known)
            ? known
            : throw new ArgumentException($"No grain class has the type '{type}'. Is its assembly referenced or registered?"));
    }

    private static GrainClass Find(Type interfaceType, string? prefix)
    {
        ScanLoaded();
        GrainClass[] found;
        lock (Gate)
        {
            found = [.. Classes.Where(grain => interfaceType.IsAssignableFrom(grain.Class)
                && (prefix is null || grain.Class.FullName!.StartsWith(prefix, StringComparison.Ordinal)))];
        }

        return found switch
        {
            [GrainClass single] => single,
            [] => throw new ArgumentException(
                $"No grain class implements {interfaceType}. Grain assemblies that nothing references must be registered explicitly."),
            _ => found.SingleOrDefault(grain => interfaceType.Name == "I" + grain.Class.Name)
                ?? throw new ArgumentException(
                    $"{interfaceType} is implemented by several grain classes: {string.Join(", ", found.Select(grain => grain.Class))}."),
        };
    }

    private static void ScanLoaded()
    {
        lock (Gate)
        {
            foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
            {
                Scan(assembly);
            }
        }
    }

    private static void Scan(Assembly assembly)
    {
        if (assembly.IsDynamic || !Scanned.Add(assembly))
        {
            return;
        }

        AssemblyName[] references = assembly.GetReferencedAssemblies();
        if (assembly != Runtime && !references.Any(name => name.Name == Runtime.GetName().Name))
        {
            return;
        }

        foreach (Type type in assembly.GetTypes())
        {
            if (type is { IsClass: true, IsAbstract: false, ContainsGenericParameters: false } && typeof(IGrain).IsAssignableFrom(type)
                && typeof(IGrainBase).IsAssignableFrom(type))
            {
                var grain = new GrainClass(type);
                if (!ByType.TryAdd(grain.Type, grain))
                {
                    throw new InvalidOperationException(
                        $"{type} and {ByType[grain.Type].Class} both have the grain type '{grain.Type}'; give one of them [GrainType].");
                }

                Classes.Add(grain);
            }
        }

        foreach (AssemblyName name in references)
        {
            if (!name.Name!.StartsWith("System", StringComparison.Ordinal) && !name.Name.StartsWith("Microsoft", StringComparison.Ordinal))
            {
                Scan(Assembly.Load(name));
            }
        }
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;
using Orleans.Concurrency;

namespace MoEActors.Tests.Runtime;

/// <summary>What Orleans' code generator and analyzers refuse to compile, so that a build on the embedded runtime does not hide it.</summary>
public sealed class GrainRulesTests
{
    private const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Type[] Ours = [.. Assemblies().SelectMany(assembly => assembly.GetTypes()).Where(type => !IsGenerated(type))];

    [Fact]
    public void Members_of_messages_are_numbered_or_not_serialized() => AssertNone("ORLEANS0004", Messages().SelectMany(type =>
        from field in type.GetFields(Declared)
        let property = PropertyOf(type, field)
        where property is not null || !field.Name.StartsWith('<')
        where !field.IsDefined(typeof(NonSerializedAttribute), false) && !IsNumbered(field) && !(property is not null && (IsNumbered(property) || IsParameter(type, property)))
        select $"{type}.{property?.Name ?? field.Name}"));

    [Fact]
    public void Numbers_of_members_are_unique() => AssertNone("ORLEANS0012", Messages().SelectMany(type =>
        type.GetMembers(Declared)
            .Select(member => (member.Name, member.GetCustomAttribute<IdAttribute>()?.Id))
            .Where(member => member.Id is not null)
            .GroupBy(member => member.Id)
            .Where(group => group.Count() > 1)
            .Select(group => $"{type}: {string.Join(", ", group.Select(member => member.Name))} share {group.Key}")));

    [Fact]
    public void Messages_can_be_seen_by_generated_code() => AssertNone(
        "ORLEANS0107", Messages().Where(type => type.IsNestedPrivate || type.IsNestedFamily).Select(type => type.ToString()));

    [Fact]
    public void Grain_interfaces_have_methods_only_and_return_tasks() => AssertNone("ORLEANS0008, ORLEANS0009, ORLEANS0102", GrainInterfaces().SelectMany(type =>
        type.GetMethods().Where(method => method.IsSpecialName || !IsAwaitable(method)).Select(method => $"{type}.{method.Name}")));

    [Fact]
    public void Grain_methods_take_no_references_and_one_cancellation_token_at_the_end() => AssertNone(
        "ORLEANS0002, ORLEANS0109",
        from type in GrainInterfaces()
        from method in type.GetMethods()
        let parameters = method.GetParameters()
        where parameters.Any(parameter => parameter.ParameterType.IsByRef)
            || parameters.SkipLast(1).Any(parameter => parameter.ParameterType == typeof(CancellationToken))
        select $"{type}.{method.Name}");

    [Fact]
    public void Call_options_stand_on_the_interface() => AssertNone(
        "ORLEANS0001, ORLEANS0013",
        from type in Ours
        where type.IsClass && typeof(IAddressable).IsAssignableFrom(type)
        from method in type.GetMethods(Declared)
        where method.IsDefined(typeof(AlwaysInterleaveAttribute), false) || method.IsDefined(typeof(ReadOnlyAttribute), false)
            || method.IsDefined(typeof(OneWayAttribute), false) || method.IsDefined(typeof(ResponseTimeoutAttribute), false)
        select $"{type}.{method.Name}");

    private static void AssertNone(string rule, IEnumerable<string> violations)
    {
        string[] found = [.. violations];
        Assert.True(found.Length == 0, $"Orleans would not compile this ({rule}):\n{string.Join('\n', found)}");
    }

    private static IEnumerable<Type> Messages() =>
        Ours.Where(type => !type.IsEnum && !type.IsInterface && type.IsDefined(typeof(GenerateSerializerAttribute), false));

    private static IEnumerable<Type> GrainInterfaces() => Ours.Where(type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type));

    private static IEnumerable<Assembly> Assemblies()
    {
        Assembly tests = typeof(GrainRulesTests).Assembly;
        return tests.GetReferencedAssemblies()
            .Where(name => name.Name is not "MoEActors.LocalRuntime" && (name.Name == "moe" || name.Name!.StartsWith("MoEActors.", StringComparison.Ordinal)))
            .Select(Assembly.Load)
            .Append(tests);
    }

    private static bool IsGenerated(Type type) => type.IsDefined(typeof(CompilerGeneratedAttribute), false);

    private static bool IsNumbered(MemberInfo member) => member.IsDefined(typeof(IdAttribute), false);

    private static PropertyInfo? PropertyOf(Type type, FieldInfo field) => field.Name.EndsWith(">k__BackingField", StringComparison.Ordinal)
        ? type.GetProperty(field.Name[1..field.Name.IndexOf('>', StringComparison.Ordinal)], Declared)
        : null;

    /// <summary>Whether a property is a parameter of a record's primary constructor, which travels without a number.</summary>
    private static bool IsParameter(Type type, PropertyInfo property) => type.GetConstructors(Declared)
        .Any(constructor => constructor.GetParameters().Any(parameter => parameter.Name == property.Name && parameter.ParameterType == property.PropertyType));

    private static bool IsAwaitable(MethodInfo method)
    {
        Type type = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericTypeDefinition() : method.ReturnType;
        return type == typeof(Task) || type == typeof(Task<>) || type == typeof(ValueTask) || type == typeof(ValueTask<>);
    }
}

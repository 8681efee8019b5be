using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace MoEActors.Tests.Api;

/// <summary>The public members of a type, a line each, without what the compiler adds to records.</summary>
internal static class MemberLines
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext Nullability = new();

    public static IEnumerable<string> Of(Type type)
    {
        if (type.IsEnum)
        {
            return type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field =>
                $"{field.Name} = {Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}");
        }

        IEnumerable<string> fields = type.GetFields(Declared).Where(IsVisible).Select(Line);
        IEnumerable<string> constructors = type.GetConstructors(Declared)
            .Where(constructor => !constructor.IsStatic && IsVisible(constructor) && !IsCopyOfARecord(constructor))
            .Select(constructor => $"{Access(constructor)}{type.Name.Split('`')[0]}({Parameters(constructor)})");
        IEnumerable<string> properties = type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsVisible)).Select(Line);
        IEnumerable<string> events = type.GetEvents(Declared).Where(one => IsVisible(one.AddMethod!)).Select(one => $"event {TypeNames.Of(one.EventHandlerType!)} {one.Name}");
        IEnumerable<string> methods = type.GetMethods(Declared)
            .Where(method => IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) && !IsGenerated(method))
            .Select(Line);
        return fields.Concat(constructors).Concat(properties).Concat(events).Concat(methods).Order(StringComparer.Ordinal);
    }

    private static string Line(FieldInfo field)
    {
        string kind = field.IsLiteral ? "const " : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}";
        string value = field.IsLiteral ? $" = {Value(field.GetRawConstantValue())}" : "";
        return $"{kind}{TypeNames.Of(field.FieldType, Nullability.Create(field))} {field.Name}{value}";
    }

    private static string Line(PropertyInfo property)
    {
        MethodInfo accessor = property.GetAccessors(true).First(IsVisible);
        bool isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        string get = property.GetMethod is { } getter && IsVisible(getter) ? " get;" : "";
        string set = property.SetMethod is { } setter && IsVisible(setter) ? isInit ? " init;" : " set;" : "";
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        string name = property.GetIndexParameters() is { Length: > 0 } ? $"this[{Parameters(accessor, isSetter: accessor == property.SetMethod)}]" : property.Name;
        return $"{Access(accessor)}{Modifiers(accessor)}{required}{Reference(property.PropertyType)}{TypeNames.Of(property.PropertyType, Nullability.Create(property))} {name} {{{get}{set} }}";
    }

    private static string Line(MethodInfo method)
    {
        string generics = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(one => one.Name))}>" : "";
        string type = Reference(method.ReturnType) + TypeNames.Of(method.ReturnType, Nullability.Create(method.ReturnParameter));
        return $"{Access(method)}{Modifiers(method)}{type} {method.Name}{generics}({Parameters(method)})";
    }

    private static string Parameters(MethodBase method, bool isSetter = false) => string.Join(
        ", ",
        method.GetParameters().SkipLast(isSetter ? 1 : 0).Select(parameter =>
        {
            string way = parameter.IsOut ? "out " : parameter.IsIn ? "in " : Reference(parameter.ParameterType);
            string value = parameter.HasDefaultValue ? $" = {Value(parameter.RawDefaultValue)}" : "";
            return $"{way}{TypeNames.Of(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{value}";
        }));

    private static string Modifiers(MethodInfo method) =>
        method.IsStatic ? method.IsAbstract ? "static abstract " : "static "
        : method.DeclaringType!.IsInterface ? ""
        : method.GetBaseDefinition() != method ? "override "
        : method.IsAbstract ? "abstract "
        : method.IsVirtual && !method.IsFinal ? "virtual "
        : "";

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Reference(Type type) => type.IsByRef ? "ref " : "";

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool truth => truth ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static bool IsVisible(MethodBase method) =>
        method.IsPublic || ((method.IsFamily || method.IsFamilyOrAssembly) && !method.DeclaringType!.IsSealed);

    private static bool IsVisible(FieldInfo field) => field.IsPublic || ((field.IsFamily || field.IsFamilyOrAssembly) && !field.DeclaringType!.IsSealed);

    private static bool IsGenerated(MethodInfo method) => method.IsDefined(typeof(CompilerGeneratedAttribute)) || method.Name.Contains('<');

    private static bool IsCopyOfARecord(ConstructorInfo constructor) => constructor.IsDefined(typeof(CompilerGeneratedAttribute));
}

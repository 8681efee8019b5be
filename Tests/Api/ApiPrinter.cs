using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace MoEActors.Tests.Api;

/// <summary>What a library offers, as text: types by name, members by line, so that a change is a readable difference.</summary>
internal static class ApiPrinter
{
    public static string Print(Assembly library)
    {
        var text = new StringBuilder();

        // Serializer code that Orleans generates is public and no offer.
        IEnumerable<Type> types = library.GetExportedTypes()
            .Where(type => type.Namespace?.StartsWith("MoEActors", StringComparison.Ordinal) == true && !type.IsDefined(typeof(CompilerGeneratedAttribute)))
            .OrderBy(type => type.FullName, StringComparer.Ordinal);
        foreach (Type type in types)
        {
            text.Append(type.Namespace).Append(": ").Append(Kind(type)).Append(' ').Append(TypeNames.Of(type)).Append(Bases(type)).Append('\n');
            if (!typeof(Delegate).IsAssignableFrom(type))
            {
                text.AppendJoin("", MemberLines.Of(type).Select(line => $"    {line}\n"));
            }
        }

        return text.ToString();
    }

    private static string Kind(Type type) =>
        type.IsEnum ? "enum"
        : type.IsInterface ? "interface"
        : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
        : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly struct" : "struct")
        : type.IsAbstract && type.IsSealed ? "static class"
        : type.IsAbstract ? "abstract class"
        : type.IsSealed ? "sealed class"
        : "class";

    private static string Bases(Type type)
    {
        IEnumerable<Type> bases = type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Enum)
            ? [parent]
            : [];
        IEnumerable<Type> own = type.IsEnum
            ? []
            : type.GetInterfaces()
                .Where(one => one.IsVisible && one.Name != "IEquatable`1" && type.BaseType?.IsAssignableTo(one) != true)
                .OrderBy(one => one.FullName, StringComparer.Ordinal);
        string[] names = [.. bases.Concat(own).Select(one => TypeNames.Of(one))];
        return names.Length == 0 ? "" : $" : {string.Join(", ", names)}";
    }
}

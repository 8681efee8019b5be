using System.Text.RegularExpressions;

namespace MoEActors.Client.Data;

/// <summary>The readable name of what a documentation comment refers to.</summary>
internal static partial class ReferenceName
{
    private const string Constructor = ".#ctor";

    /// <summary>
    /// Turns an identifier such as <c>M:System.Collections.Generic.List`1.Add(`0)</c> into
    /// <c>System.Collections.Generic.List.Add</c>: the full name without kind, parameters and numbers of type arguments. A
    /// constructor is called by its type.
    /// </summary>
    public static string Of(string reference)
    {
        // The kind ends at a colon; parameters, arguments and results of conversions begin with one of these.
        string name = reference[(reference.IndexOf(':') + 1)..];
        int end = name.IndexOfAny(['(', '{', '[', '~']);
        name = end < 0 ? name : name[..end];
        name = name.EndsWith(Constructor, StringComparison.Ordinal) ? name[..^Constructor.Length] : name;
        return name.Contains('`') ? Arity().Replace(name, "") : name;
    }

    [GeneratedRegex("`+[0-9]+")]
    private static partial Regex Arity();
}

using System.Text;
using System.Text.RegularExpressions;
using System.Xml;

namespace MoEActors.Client.Data;

/// <summary>Takes the prose out of a documentation file as compilers write it: one line per element that holds text.</summary>
internal static class DocumentationText
{
    /// <summary>Tags that stand between words; without a blank in their place the words would grow together.</summary>
    private static readonly HashSet<string> Breaks =
        ["para", "p", "br", "list", "listheader", "item", "term", "description", "code", "ul", "ol", "li"];

    /// <summary>Extracts a file's prose as UTF-8.</summary>
    /// <exception cref="XmlException">The file is not well-formed.</exception>
    public static byte[] Extract(Stream file)
    {
        StringBuilder text = new();
        using XmlReader reader = XmlReader.Create(file, new XmlReaderSettings { IgnoreComments = true, IgnoreProcessingInstructions = true });
        while (reader.Read())
        {
            if (reader.NodeType == XmlNodeType.Element && reader.Name is "summary" or "param" or "remarks" or "returns" or "exception"
                && !reader.IsEmptyElement)
            {
                AppendElement(reader, text);
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Appends the text of the element that the reader is on as one line, and leaves the reader at its end.</summary>
    private static void AppendElement(XmlReader reader, StringBuilder text)
    {
        int start = text.Length;
        int depth = reader.Depth;
        while (reader.Read() && reader.Depth > depth)
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    AppendTag(reader, text, start);
                    break;
                case XmlNodeType.EndElement when Breaks.Contains(reader.Name):
                    AppendCollapsed(text, start, " ");
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace:
                    AppendCollapsed(text, start, reader.Value);
                    break;
            }
        }

        if (text.Length > start && text[^1] == ' ')
        {
            text.Length--;
        }

        if (text.Length > start)
        {
            text.Append('\n');
        }
    }

    private static void AppendTag(XmlReader reader, StringBuilder text, int start)
    {
        if (Breaks.Contains(reader.Name))
        {
            AppendCollapsed(text, start, " ");
        }
        else if (reader.IsEmptyElement)
        {
            // A reference with a text of its own shows that text; only an empty one stands for a name.
            string? name = reader.GetAttribute("cref") is { } reference
                ? ReferenceName.Of(reference)
                : reader.GetAttribute("langword") ?? reader.GetAttribute("name") ?? reader.GetAttribute("href");
            AppendCollapsed(text, start, name ?? "");
        }
    }

    /// <summary>Appends a piece with every run of blanks made one, across pieces too, and none at the start.</summary>
    private static void AppendCollapsed(StringBuilder text, int start, string piece)
    {
        foreach (char c in piece)
        {
            if (!char.IsWhiteSpace(c))
            {
                text.Append(c);
            }
            else if (text.Length > start && text[^1] != ' ')
            {
                text.Append(' ');
            }
        }
    }
}

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

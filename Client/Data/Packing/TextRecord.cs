using System.Buffers;
using System.Text;
using System.Text.Json;
using MoEActors.Client.Tokens;

namespace MoEActors.Client.Data.Packing;

/// <summary>A part of a record's text.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsLearnt">Whether the model is to learn to write it; else it only reads it.</param>
internal readonly record struct TextPart(string Text, bool IsLearnt);

/// <summary>One record: a text, or a conversation of which the answers are learnt.</summary>
/// <param name="Parts">Its parts, in their order.</param>
/// <param name="IsText">Whether it is a text, which has an end.</param>
internal sealed record TextRecord(IReadOnlyList<TextPart> Parts, bool IsText)
{
    private const string Learnt = "assistant";

    /// <summary>What a role is made of, so that it is no more than one.</summary>
    private static readonly SearchValues<char> RoleCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>Reads a record from a line: <c>{"text": "…"}</c> or <c>{"messages": [{"role": "…", "content": "…"}, …]}</c>; other properties are nobody's.</summary>
    /// <param name="line">The line, UTF-8.</param>
    /// <exception cref="RecordException">It is none.</exception>
    public static TextRecord Parse(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        try
        {
            return Read(ref reader);
        }
        catch (JsonException e)
        {
            // What the reader says of lines and bytes is of a text that it believes to be the whole file.
            throw new RecordException(e.BytePositionInLine ?? 0, $"is no JSON: {e.Message.Split(" LineNumber: ", StringSplitOptions.None)[0].TrimEnd('.')}");
        }
        catch (InvalidOperationException)
        {
            throw new RecordException(reader.TokenStartIndex, "has half of a surrogate pair");
        }
    }

    private static TextRecord Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        RecordException.ThrowUnless(reader.TokenType == JsonTokenType.StartObject, reader, "a record is one object in braces");
        TextRecord? record = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isText = reader.ValueTextEquals("text"u8);
            if (!isText && !reader.ValueTextEquals("messages"u8))
            {
                reader.Skip();
                continue;
            }

            RecordException.ThrowUnless(record is null, reader, "a record has one \"text\" or one list of \"messages\"");
            reader.Read();
            record = isText ? Text(reader) : Conversation(ref reader);
        }

        // Throws where something follows.
        reader.Read();
        return record ?? throw new RecordException(0, "the record has neither \"text\" nor \"messages\"");
    }

    private static TextRecord Text(in Utf8JsonReader reader)
    {
        string text = TextOf(reader, "text");
        RecordException.ThrowUnless(text.Length > 0, reader, "\"text\" is empty");
        return new TextRecord([new TextPart(text, IsLearnt: true)], IsText: true);
    }

    /// <summary>
    /// A conversation in the marks of ChatML: <c>&lt;|im_start|&gt;role</c>, the message on lines of its own, <c>&lt;|im_end|&gt;</c>. What the assistant says is learnt, its end included; all else is read.
    /// </summary>
    private static TextRecord Conversation(ref Utf8JsonReader reader)
    {
        Utf8JsonReader list = reader;
        RecordException.ThrowUnless(reader.TokenType == JsonTokenType.StartArray, reader, "\"messages\" must be a list");
        List<TextPart> parts = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            (string role, string content) = Message(ref reader);
            parts.Add(new TextPart($"{ChatMarks.Start}{role}\n", IsLearnt: false));
            parts.Add(new TextPart($"{content}{ChatMarks.End}", role == Learnt));
            parts.Add(new TextPart("\n", IsLearnt: false));
        }

        RecordException.ThrowUnless(parts.Any(part => part.IsLearnt), list, $"no message is the {Learnt}'s, so that there is nothing to learn");
        return new TextRecord(parts, IsText: false);
    }

    private static (string Role, string Content) Message(ref Utf8JsonReader reader)
    {
        Utf8JsonReader message = reader;
        RecordException.ThrowUnless(reader.TokenType == JsonTokenType.StartObject, reader, "a message is an object in braces");
        string? role = null, content = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("role"u8))
            {
                reader.Read();
                role = TextOf(reader, "role");
                RecordException.ThrowUnless(role.Length > 0 && !role.AsSpan().ContainsAnyExcept(RoleCharacters), reader, "\"role\" must be of the letters a to z, digits, '_' and '-'");
            }
            else if (reader.ValueTextEquals("content"u8))
            {
                reader.Read();
                content = TextOf(reader, "content");
                RecordException.ThrowUnless(!ChatMarks.StandIn(content), reader, $"\"content\" has {ChatMarks.Start} or {ChatMarks.End}, the marks that messages are told apart by");
            }
            else
            {
                reader.Skip();
            }
        }

        RecordException.ThrowUnless(role is not null && content is not null, message, "a message has a \"role\" and a \"content\"");
        return (role!, content!);
    }

    private static string TextOf(in Utf8JsonReader reader, string name)
    {
        RecordException.ThrowUnless(reader.TokenType == JsonTokenType.String, reader, $"\"{name}\" must be a text");
        string text = reader.GetString()!;
        RecordException.ThrowUnless(!text.Contains('\0', StringComparison.Ordinal), reader, $"\"{name}\" has a zero character, which stands in no text");
        return text;
    }
}

/// <summary>A line is no record.</summary>
/// <param name="position">Where in it, in bytes from 0.</param>
/// <param name="what">What is wrong there.</param>
internal sealed class RecordException(long position, string what) : Exception(what)
{
    /// <summary>Where in the line, in characters from 1.</summary>
    public int ColumnIn(ReadOnlySpan<byte> line) => Encoding.UTF8.GetCharCount(line[..(int)Math.Min(position, line.Length)]) + 1;

    public static void ThrowUnless(bool holds, in Utf8JsonReader reader, string what)
    {
        if (!holds)
        {
            throw new RecordException(reader.TokenStartIndex, what);
        }
    }
}

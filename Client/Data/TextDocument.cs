namespace MoEActors.Client.Data;

/// <summary>One file's text, as bytes.</summary>
/// <param name="Name">The file's name; the ordinal order of names is the order of a corpus.</param>
/// <param name="Bytes">The text, UTF-8.</param>
public sealed record TextDocument(string Name, ReadOnlyMemory<byte> Bytes);

/// <summary>Text that cannot be trained on: missing, empty, unreadable, not text, or too short. The message says what, where and what to do.</summary>
/// <param name="what">What is wrong.</param>
/// <param name="location">The file or folder, or the places that were searched.</param>
/// <param name="whatToDo">How the user gets on.</param>
/// <param name="cause">The exception behind it, if there is one.</param>
public sealed class TextSourceException(string what, string location, string whatToDo, Exception? cause = null)
    : Exception($"{what}: {location}. {whatToDo}", cause)
{
    /// <summary>The file or folder, or the places that were searched.</summary>
    public string Location { get; } = location;
}

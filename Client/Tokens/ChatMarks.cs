namespace MoEActors.Client.Tokens;

/// <summary>The marks of ChatML, between which a message stands.</summary>
internal static class ChatMarks
{
    /// <summary>Stands before the role of who speaks.</summary>
    public const string Start = "<|im_start|>";

    /// <summary>Stands behind what is said.</summary>
    public const string End = "<|im_end|>";

    /// <summary>Whether a text has one of them.</summary>
    public static bool StandIn(string text) => text.Contains(Start, StringComparison.Ordinal) || text.Contains(End, StringComparison.Ordinal);
}

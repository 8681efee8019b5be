using System.Globalization;
using MoEActors.Dashboard.Boards;

namespace MoEActors.Dashboard.Serving;

/// <summary>
/// Somebody who looks at the board: at one model and one of its layers. All that is kept of him is the version that he has seen; what he is sent next is what
/// has changed since, once, however often it has.
/// </summary>
/// <param name="board">The board.</param>
/// <param name="messages">What viewers are sent.</param>
/// <param name="model">The model; null for none.</param>
/// <param name="layer">The layer.</param>
internal sealed class Viewer(Board board, SharedMessages messages, string? model, int layer)
{
    private long _seen;

    /// <summary>Goes on where an earlier stream of this board has ended.</summary>
    /// <param name="lastEventId">The id of the last message that came through.</param>
    public void Resume(string? lastEventId)
    {
        if (lastEventId?.Split('-') is [{ } id, { } version] && id == board.Id
            && long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out long seen) && seen <= board.Version)
        {
            _seen = seen;
        }
    }

    /// <summary>What is new, as a server-sent event; null when nothing is.</summary>
    public ReadOnlyMemory<byte>? Next()
    {
        (_seen, ReadOnlyMemory<byte>? message) = messages.Of(model, layer, _seen);
        return message;
    }
}

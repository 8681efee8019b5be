namespace MoEActors.Grains.Durability;

/// <summary>Writes to a store that may be away for a while: until it answers, what became of a write is unknown, and is neither success nor failure.</summary>
internal static class StoreOutage
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Writes, and after a failure learns what became of it before the write is tried again.</summary>
    /// <param name="write">Tries to write; false when somebody else has written.</param>
    /// <param name="read">Reads back: whether the write was taken, or null when nothing has been written.</param>
    public static async Task<bool> RideOutAsync(Func<Task<bool>> write, Func<Task<bool?>> read)
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(20);
        bool isUnknown = false;
        while (true)
        {
            try
            {
                if (!isUnknown)
                {
                    return await write();
                }

                if (await read() is { } taken)
                {
                    return taken;
                }

                isUnknown = false;
                continue;
            }
            catch (Exception e) when (e is not (OutOfMemoryException or InvalidOperationException or ObjectDisposedException))
            {
                isUnknown = true;
            }

            await Task.Delay(pause);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }
}

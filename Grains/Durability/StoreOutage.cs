namespace MoEActors.Grains.Durability;

/// <summary>Work with a store that may be away for a while: until it answers, what became of a write is unknown, and is neither success nor failure.</summary>
internal static class StoreOutage
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Does what may be done any number of times - reads, or writes over whatever is there - until the store has answered.</summary>
    /// <param name="work">The work.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="TimeoutException">It was cancelled, and the store had not answered.</exception>
    public static async Task<T> RideOutAsync<T>(Func<Task<T>> work, CancellationToken cancellation = default)
    {
        for (TimeSpan pause = FirstPause; ; pause = Longer(pause))
        {
            try
            {
                return await work();
            }
            catch (Exception e) when (MayPass(e))
            {
                if (cancellation.IsCancellationRequested)
                {
                    // Whoever calls asks again.
                    throw new TimeoutException($"The store does not answer: {e.Message}", e);
                }
            }

            await Task.Delay(pause, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    /// <summary>Writes, and after a failure learns what became of it before the write is tried again.</summary>
    /// <param name="write">Tries to write; false when somebody else has written.</param>
    /// <param name="read">Reads back: whether the write was taken, or null when nothing has been written.</param>
    public static async Task<bool> RideOutAsync(Func<Task<bool>> write, Func<Task<bool?>> read)
    {
        TimeSpan pause = FirstPause;
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
            catch (Exception e) when (MayPass(e))
            {
                isUnknown = true;
            }

            await Task.Delay(pause);
            pause = Longer(pause);
        }
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    /// <summary>Whether a failure may be the store's, which comes back. What says that something is wrong with what it has does not pass.</summary>
    private static bool MayPass(Exception e) => e is not (OutOfMemoryException or InvalidOperationException or ObjectDisposedException or InvalidDataException);
}

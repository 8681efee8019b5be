using System.Diagnostics;

namespace MoEActors.Tests.Support;

/// <summary>How long tests wait for what must happen, and what they say when it does not.</summary>
internal static class Deadline
{
    /// <summary>Long enough for a machine that is busy with something else.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Asks again and again until the answer is yes: for what can only be asked.</summary>
    /// <exception cref="TimeoutException">It never was; the message says what.</exception>
    public static async Task UntilAsync(Func<Task<bool>> ask, string what)
    {
        long begun = Stopwatch.GetTimestamp();
        while (!await ask())
        {
            if (Stopwatch.GetElapsedTime(begun) > Patience)
            {
                throw new TimeoutException($"{Patience.TotalSeconds:0} s have passed without that {what}.");
            }

            // Whoever asks without a pause takes the processors from what it waits for.
            await Task.Delay(5);
        }
    }

    /// <summary>Waits for something that happens by itself.</summary>
    /// <exception cref="TimeoutException">It has not; the message says what.</exception>
    public static async Task WithinAsync(Task task, string what, TimeSpan? patience = null)
    {
        TimeSpan most = patience ?? Patience;
        try
        {
            await task.WaitAsync(most, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"{most.TotalSeconds:0} s have passed without that {what}.");
        }
    }
}

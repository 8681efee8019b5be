namespace MoEActors.Dashboard.Watching;

/// <summary>Asks the same thing again and again, whether it is answered or not.</summary>
internal static class Repetition
{
    /// <summary>An answer takes milliseconds; while a silo dies it may never come.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Asks until the end.</summary>
    /// <param name="ask">Asks once.</param>
    /// <param name="silent">What to say of an answer that does not come.</param>
    /// <param name="fail">Is told why there is no answer: what is on the page stays there, and says so.</param>
    /// <param name="pause">How long to wait before the next time.</param>
    /// <param name="ending">The end.</param>
    public static async Task RunAsync(Func<CancellationToken, Task> ask, string silent, Action<string> fail, Func<TimeSpan> pause, CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(ending);
                limit.CancelAfter(Patience);
                await ask(limit.Token);
            }
            catch (Exception) when (ending.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever a cluster's client or store throws.
                fail(e is OperationCanceledException or TimeoutException ? silent : e.Message);
            }

            await Task.Delay(pause(), ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

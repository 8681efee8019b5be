using System.Diagnostics;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Client;

/// <summary>
/// Asks a training grain for work and polls for its outcome in short slices. When the grain has moved or started anew meanwhile, the work is
/// asked for again: all of it is idempotent.
/// </summary>
internal static class Tickets
{
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a cluster may be unreachable before its last error is the answer. Where twenty busy programs share two cores, a silo's death and the
    /// coordinator's new beginning elsewhere took more than half a minute.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Submits and waits.</summary>
    /// <param name="grain">The model's coordinator.</param>
    /// <param name="submit">Asks for the work and returns its ticket.</param>
    /// <param name="before">Work that comes first: when both are lost, this one waits for it before it is asked for again.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static async Task<TOutcome> RunAsync<TOutcome>(
        ITrainingGrain grain, Func<Task<long>> submit, Task? before, CancellationToken cancellationToken)
        where TOutcome : WorkOutcome
    {
        long? ticket = null;
        long lastAnswer = Stopwatch.GetTimestamp();
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Calls may overtake each other: what is asked for before the work that comes first is done may be refused for being early.
            bool early = before is { IsCompleted: false };
            try
            {
                ticket ??= await submit().WaitAsync(cancellationToken);
                WorkOutcome? outcome = await grain.WaitAsync(ticket.Value, Slice).WaitAsync(cancellationToken);
                if (outcome is not null)
                {
                    return (TOutcome)outcome;
                }

                lastAnswer = Stopwatch.GetTimestamp();
            }
            catch (Exception e) when (e is TicketLostException || (e is StaleCommandException && early))
            {
                await AfterAsync(before, pause: ticket is null, cancellationToken);
                ticket = null;
            }
            catch (Exception e) when (
                (e is TimeoutException or OrleansException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                && Stopwatch.GetElapsedTime(lastAnswer) < Patience)
            {
                // What cannot be delivered ends with whatever kept it from that: a gateway that is gone, a silo that was declared dead. Orleans calls a message
                // that expires while a place for its grain is looked for cancelled.
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private static async Task AfterAsync(Task? before, bool pause, CancellationToken cancellationToken)
    {
        if (pause)
        {
            await Task.Delay(Pause, cancellationToken);
        }

        if (before is not null)
        {
            // Its failure is thrown to whoever waits for it.
            await before.ContinueWith(_ => { }, cancellationToken, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }
}

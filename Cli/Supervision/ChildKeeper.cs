using System.Diagnostics;

namespace MoEActors.Cli.Supervision;

/// <summary>Keeps a child running: one that ends is started again, later and later, until it is clear that it cannot run.</summary>
/// <param name="name">Its name.</param>
/// <param name="arguments">Its arguments, asked for before every start.</param>
/// <param name="secrets">What it must know and nobody else.</param>
/// <param name="log">Is told what the child says, and what becomes of it: the child's name and a line.</param>
internal abstract class ChildKeeper(string name, Func<IEnumerable<string>> arguments, IReadOnlyDictionary<string, string> secrets, Action<string, string> log)
{
    /// <summary>Starts in a row that did not make it before there is no sense in another.</summary>
    private const int MostFailures = 5;

    /// <summary>A child that has lived so long starts at once when it ends.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>How long a child may take to end when it is asked to.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    /// <summary>The child's name.</summary>
    public string Name => name;

    /// <summary>Whether it has started and not ended.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Is told when <see cref="IsUp"/> has changed.</summary>
    public Action? Changed { get; init; }

    /// <summary>The child that runs now; null before the first one.</summary>
    public SupervisedChild? Child { get; private set; }

    /// <summary>Keeps it running until that is enough.</summary>
    /// <param name="enough">Asks to end it.</param>
    /// <exception cref="ChildFailedException">It cannot run.</exception>
    public async Task RunAsync(CancellationToken enough)
    {
        int failures = 0;
        TimeSpan pause = ShortestPause;
        while (!enough.IsCancellationRequested)
        {
            long started = Stopwatch.GetTimestamp();
            using var child = SupervisedChild.Start(arguments(), secrets, Hear);
            Child = child;
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(enough);
            Task<bool> ready = IsReadyAsync(waiting.Token);
            bool wasReady = await Task.WhenAny(ready, child.Ended) == ready && await ready;
            if (wasReady)
            {
                failures = 0;
                Set(isUp: true);
                await ((Task)child.Ended).WaitAsync(enough).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            await waiting.CancelAsync();
            if (enough.IsCancellationRequested)
            {
                await EndAsync(child);
                Set(isUp: false);
                return;
            }

            int code = await child.Ended;
            Set(isUp: false);
            if (!wasReady && ++failures >= MostFailures)
            {
                throw new ChildFailedException($"{name} has ended {failures} times before it was ready, the last time with exit code {code}; its last words are above.");
            }

            pause = Stopwatch.GetElapsedTime(started) > Settled ? ShortestPause : pause;
            log(name, $"ended with exit code {code}; it starts again in {pause.TotalSeconds:0.0} s");
            await Task.Delay(pause, enough).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = TimeSpan.FromTicks(Math.Min(LongestPause.Ticks, pause.Ticks * 2));
        }
    }

    /// <summary>Waits until the child does what it is for.</summary>
    /// <returns>False when it was cancelled.</returns>
    protected abstract Task<bool> IsReadyAsync(CancellationToken cancellation);

    /// <summary>Is told what the child says.</summary>
    protected virtual void Hear(string line) => log(name, line);

    /// <summary>Ends a child: a store at once, as all that it has acknowledged is on the disk; a silo when it has left.</summary>
    protected virtual async Task EndAsync(SupervisedChild child)
    {
        child.AskToEnd();
        try
        {
            await child.Ended.WaitAsync(EndLimit);
        }
        catch (TimeoutException)
        {
            log(name, $"did not end within {EndLimit.TotalSeconds:0} s and is killed");
        }
    }

    private void Set(bool isUp)
    {
        if (IsUp != isUp)
        {
            IsUp = isUp;
            Changed?.Invoke();
        }
    }
}

/// <summary>A child that cannot run.</summary>
internal sealed class ChildFailedException(string message) : Exception(message);

/// <summary>Keeps the store of a cluster running.</summary>
internal sealed class StoreKeeper(Func<IEnumerable<string>> arguments, IReadOnlyDictionary<string, string> secrets, Action<string, string> log)
    : ChildKeeper("store", arguments, secrets, log)
{
    private TaskCompletionSource _serves = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <inheritdoc />
    protected override async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        _serves = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _serves.Task.WaitAsync(cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _serves.Task.IsCompletedSuccessfully;
    }

    /// <inheritdoc />
    protected override void Hear(string line)
    {
        base.Hear(line);
        if (line.StartsWith(LocalStore.Serves, StringComparison.Ordinal))
        {
            _serves.TrySetResult();
        }
    }

    /// <inheritdoc />
    protected override Task EndAsync(SupervisedChild child)
    {
        child.Kill(andItsOwn: true);
        return child.Ended;
    }
}

/// <summary>Keeps a silo running.</summary>
internal sealed class SiloKeeper(
    string name, Func<IEnumerable<string>> arguments, IReadOnlyDictionary<string, string> secrets, Action<string, string> log, Func<Uri> health)
    : ChildKeeper(name, arguments, secrets, log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>How long one answer may take: a silo that is held up while it is asked would else be waited for much longer than it is held up.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(2);

    /// <inheritdoc />
    protected override async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient { Timeout = AnswerLimit };
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(health(), cancellation);
                if (answer.IsSuccessStatusCode)
                {
                    return true;
                }
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException)
            {
            }

            await Task.Delay(Pause, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellation.IsCancellationRequested)
            {
                return false;
            }
        }
    }
}

using System.Collections.Concurrent;

namespace MoEActors.Tests.Runtime;

/// <summary>A place inside a grain where a test waits for it, and makes it wait. All silos are in this process, so a name finds it.</summary>
public sealed class Gate
{
    private static readonly ConcurrentDictionary<string, Gate> Named = new();

    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Entered => _entered.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    public static Gate Of(string name) => Named.GetOrAdd(name, _ => new Gate());

    public static string NewName() => Guid.NewGuid().ToString("N");

    /// <summary>Called by the grain.</summary>
    public Task PassAsync()
    {
        _entered.TrySetResult();
        return _open.Task;
    }

    public void Open() => _open.TrySetResult();
}

using System.Collections.Concurrent;

namespace MoEActors.Tests.Support;

/// <summary>
/// A place in a grain where a test waits until it is reached, and which holds the grain there until the test lets it go on. All silos are in this
/// process, so that a name finds it.
/// </summary>
public sealed class Latch
{
    private static readonly ConcurrentDictionary<string, Latch> Named = new();

    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Latch(string name) => Name = name;

    /// <summary>What it is found by.</summary>
    public string Name { get; }

    /// <summary>Ends when the grain is there.</summary>
    public Task Reached => Deadline.WithinAsync(_reached.Task, $"the grain reaches latch {Name}");

    /// <summary>A latch of its own name.</summary>
    public static Latch New() => Of(Guid.NewGuid().ToString("N"));

    /// <summary>The latch of a name; called by the grain.</summary>
    public static Latch Of(string name) => Named.GetOrAdd(name, one => new Latch(one));

    /// <summary>Says that it is reached and waits there; called by the grain.</summary>
    public Task PassAsync()
    {
        _reached.TrySetResult();
        return _open.Task;
    }

    /// <summary>Lets everybody through, now and later.</summary>
    public void Open() => _open.TrySetResult();
}

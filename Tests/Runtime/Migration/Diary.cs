using System.Collections.Concurrent;

namespace MoEActors.Tests.Runtime.Migration;

/// <summary>What happened to one grain, on every silo, in order. All silos are in this process, so its key finds it.</summary>
public sealed class Diary
{
    private static readonly ConcurrentDictionary<string, Diary> ByKey = new();

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TravelPlan Plan { get; set; } = new();

    public Entry[] Entries
    {
        get
        {
            lock (_gate)
            {
                return [.. _entries];
            }
        }
    }

    public static Diary Of(string key) => ByKey.GetOrAdd(key, _ => new Diary());

    public void Note(string what, SiloAddress silo)
    {
        lock (_gate)
        {
            _entries.Add(new Entry(what, silo));
            _more.SetResult();
            _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Waits for something that a grain does when nobody calls it.</summary>
    public async Task NotedAsync(string what, SiloAddress silo, int times = 1)
    {
        while (true)
        {
            Task more;
            lock (_gate)
            {
                if (_entries.Count(entry => entry == new Entry(what, silo)) >= times)
                {
                    return;
                }

                more = _more.Task;
            }

            await more.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        }
    }

    public sealed record Entry(string What, SiloAddress Silo);
}

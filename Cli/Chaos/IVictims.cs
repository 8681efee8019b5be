using MoEActors.Client;

namespace MoEActors.Cli.Chaos;

/// <summary>A cluster whose silos are killed and come back.</summary>
internal interface IVictims : IAsyncDisposable
{
    /// <summary>The cluster.</summary>
    MoECluster Client { get; }

    /// <summary>Number of silos.</summary>
    int Count { get; }

    /// <summary>Steps that were learnt again after a loss, since the start.</summary>
    long StepsRepeated { get; }

    /// <summary>About how long a run takes to come back, so that another death falls into that time.</summary>
    TimeSpan Recovery { get; }

    /// <summary>Ends, with what has gone wrong, when the cluster can go on no more.</summary>
    Task Ended { get; }

    /// <summary>The silo that has a model's coordinator; null when that is not known.</summary>
    Task<int?> HomeAsync(string model);

    /// <summary>Kills silos at once.</summary>
    Task KillAsync(IReadOnlyList<int> silos, CancellationToken cancellation);

    /// <summary>Holds a silo up: it does nothing any more, and its connections stay open.</summary>
    void Freeze(int silo);

    /// <summary>Lets a frozen silo go on.</summary>
    void Thaw(int silo);

    /// <summary>Lets nothing to a silo and nothing from it pass; its connections stay open.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="fastPathOnly">Whether that is about rows of tokens alone.</param>
    void Silence(int silo, bool fastPathOnly);

    /// <summary>Lets nothing pass between two silos, which both reach all others.</summary>
    void Cut(int silo, int other);

    /// <summary>Lets everything pass again.</summary>
    void Heal();

    /// <summary>Kills the store, which starts again.</summary>
    /// <param name="loss">What it has lost then.</param>
    /// <param name="aboutTo">Is called right before.</param>
    /// <param name="cancellation">Ends it.</param>
    Task KillStoreAsync(StoreLoss loss, Action aboutTo, CancellationToken cancellation);

    /// <summary>Sees to it that silos which have been killed start again.</summary>
    Task ReviveAsync(IReadOnlyList<int> silos, CancellationToken cancellation);
}

/// <summary>What a store has lost when it comes back.</summary>
internal enum StoreLoss
{
    /// <summary>Nothing that it had acknowledged.</summary>
    Nothing,

    /// <summary>Its last second.</summary>
    Tail,

    /// <summary>What stands at the end of its file, which is damaged and was repaired by leaving it out.</summary>
    Damage,
}

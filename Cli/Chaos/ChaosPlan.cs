namespace MoEActors.Cli.Chaos;

/// <summary>What befalls a cluster at once.</summary>
internal enum Disaster
{
    /// <summary>One silo is killed.</summary>
    Silo,

    /// <summary>One is killed, and another one while the run recovers from that.</summary>
    DuringRecovery,

    /// <summary>Two silos that are neighbours in the order of their names are killed at once.</summary>
    Neighbours,

    /// <summary>The silo that has the run's coordinator is killed, and one beside it.</summary>
    CoordinatorAndNeighbour,

    /// <summary>A silo is held up for less time than the others need to declare it dead.</summary>
    ShortFreeze,

    /// <summary>A silo is held up for longer, and goes on when the others have gone on without it, or are about to.</summary>
    LongFreeze,

    /// <summary>Nothing comes to a silo or from it any more, over connections that stay open.</summary>
    Silence,

    /// <summary>As silence, of rows alone: its calls are answered.</summary>
    FastPathCut,

    /// <summary>Nothing passes between two silos any more, over connections that stay open; each of them reaches all others.</summary>
    Cut,

    /// <summary>The store is killed, and comes back with all that it has acknowledged.</summary>
    Store,

    /// <summary>As above, and a silo with it.</summary>
    StoreAndSilo,

    /// <summary>The store is killed, and comes back without its last second.</summary>
    ForgetfulStore,

    /// <summary>The store is killed, the end of its file is damaged, and it comes back with what can be read.</summary>
    DamagedStore,
}

/// <summary>Kinds of disasters, as they are asked for.</summary>
[Flags]
internal enum Disasters
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Silos are killed.</summary>
    Kill = 1,

    /// <summary>Silos are held up.</summary>
    Freeze = 2,

    /// <summary>Silos are made silent.</summary>
    Silence = 4,

    /// <summary>The store is killed.</summary>
    Store = 8,

    /// <summary>The store is killed and loses something.</summary>
    Forget = 16,

    /// <summary>Two silos do not reach each other.</summary>
    Cut = 32,
}

/// <summary>One disaster of a plan.</summary>
/// <param name="What">What happens.</param>
/// <param name="Gap">Steps that are acknowledged before it, counted from when all silos are members again.</param>
/// <param name="Phase">When within a step, from 0 to 1.</param>
/// <param name="Silo">The silo, where any may be hit.</param>
/// <param name="Chance">From 0 to 1, for what else is left to chance: when the second kill comes, how long a silo is frozen.</param>
internal sealed record ChaosEvent(Disaster What, int Gap, double Phase, int Silo, double Chance)
{
    /// <summary>Processes that it hits.</summary>
    public int Hits => What is Disaster.DuringRecovery or Disaster.Neighbours or Disaster.CoordinatorAndNeighbour or Disaster.StoreAndSilo ? 2 : 1;
}

/// <summary>Draws what happens to a run, from a seed: random phases of random steps, a fifth of the kills during a recovery.</summary>
internal static class ChaosPlan
{
    /// <summary>Draws disasters until so many silos have been hit.</summary>
    /// <param name="kills">Silos to hit.</param>
    /// <param name="silos">Silos of the cluster, at least 3: of two that die at once, somebody must be left.</param>
    /// <param name="interval">Steps between snapshots; gaps are uniform over twice as many, so that a death finds any number of steps to be learnt again.</param>
    /// <param name="seed">Same seed, same plan.</param>
    /// <param name="kinds">What may happen; each kind is as likely as the others.</param>
    public static IReadOnlyList<ChaosEvent> Draw(int kills, int silos, int interval, int seed, Disasters kinds = Disasters.Kill)
    {
        Disasters[] chosen = [.. Enum.GetValues<Disasters>().Where(kind => kind != Disasters.None && kinds.HasFlag(kind))];
        Random random = new(seed);
        List<ChaosEvent> events = [];
        for (int left = kills; left > 0; left -= events[^1].Hits)
        {
            double drawn = random.NextDouble();
            Disaster what = chosen[chosen.Length == 1 ? 0 : random.Next(chosen.Length)] switch
            {
                Disasters.Freeze => drawn < 0.5 ? Disaster.ShortFreeze : Disaster.LongFreeze,
                Disasters.Silence => drawn < 0.5 ? Disaster.Silence : Disaster.FastPathCut,
                Disasters.Store => drawn < 0.5 ? Disaster.Store : Disaster.StoreAndSilo,
                Disasters.Cut => Disaster.Cut,
                Disasters.Forget => drawn < 0.5 ? Disaster.ForgetfulStore : Disaster.DamagedStore,

                // Of two kills in DuringRecovery one is during a recovery: for a fifth of the kills, a quarter of the events.
                _ => left == 1 || drawn < 0.55 ? Disaster.Silo
                    : drawn < 0.85 ? Disaster.DuringRecovery
                    : drawn < 0.925 ? Disaster.Neighbours
                    : Disaster.CoordinatorAndNeighbour,
            };
            events.Add(new ChaosEvent(what, 1 + random.Next(2 * interval), random.NextDouble(), random.Next(silos), random.NextDouble()));
        }

        return events;
    }
}

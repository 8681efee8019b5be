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
}

/// <summary>One disaster of a plan.</summary>
/// <param name="What">What happens.</param>
/// <param name="Gap">Steps that are acknowledged before it, counted from when all silos are members again.</param>
/// <param name="Phase">When within a step, from 0 to 1.</param>
/// <param name="Silo">The silo, where any may be hit.</param>
/// <param name="SecondAfter">Seconds from the first kill to the second where that comes later.</param>
internal sealed record ChaosEvent(Disaster What, int Gap, double Phase, int Silo, double SecondAfter)
{
    /// <summary>Silos that it kills.</summary>
    public int Kills => What == Disaster.Silo ? 1 : 2;
}

/// <summary>Draws what happens to a run, from a seed: random phases of random steps, a fifth of the kills during a recovery.</summary>
internal static class ChaosPlan
{
    /// <summary>Draws disasters until so many silos have been killed.</summary>
    /// <param name="kills">Silos to kill.</param>
    /// <param name="silos">Silos of the cluster, at least 3: of two that die at once, somebody must be left.</param>
    /// <param name="interval">Steps between snapshots; gaps are uniform over twice as many, so that a death finds any number of steps to be learnt again.</param>
    /// <param name="seed">Same seed, same plan.</param>
    public static IReadOnlyList<ChaosEvent> Draw(int kills, int silos, int interval, int seed)
    {
        Random random = new(seed);
        List<ChaosEvent> events = [];
        for (int left = kills; left > 0; left -= events[^1].Kills)
        {
            // Of two kills in DuringRecovery one is during a recovery: for a fifth of the kills, a quarter of the events.
            double drawn = random.NextDouble();
            Disaster what = left == 1 || drawn < 0.55 ? Disaster.Silo
                : drawn < 0.85 ? Disaster.DuringRecovery
                : drawn < 0.925 ? Disaster.Neighbours
                : Disaster.CoordinatorAndNeighbour;
            events.Add(new ChaosEvent(what, 1 + random.Next(2 * interval), random.NextDouble(), random.Next(silos), random.NextDouble()));
        }

        return events;
    }
}

namespace MoEActors.Cli.Commands;

/// <summary>What `moe simulate placement` is asked to do.</summary>
internal sealed record SimulatePlacementOptions : ICommandOptions
{
    /// <summary>The trace.</summary>
    public string Trace { get; init; } = "";

    /// <summary>Number of workers.</summary>
    public int Workers { get; init; } = 8;

    /// <summary>Number of hosts that the workers are on.</summary>
    public int Hosts { get; init; } = 1;

    /// <summary>Slots of a layer beyond one per expert, on all workers together.</summary>
    public int SpareSlots { get; init; } = 8;

    /// <summary>Name of a policy, or "all".</summary>
    public string Policy { get; init; } = "all";

    /// <summary>A plan is made at every so many rows.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Whether replicas serve whole micro-batches.</summary>
    public bool Reproducible { get; init; }

    /// <summary>Whether to print a JSON array instead of a table.</summary>
    public bool Json { get; init; }

    /// <inheritdoc />
    public void Validate()
    {
        if (!File.Exists(Trace))
        {
            throw new UsageException($"--trace {Trace} is no file.");
        }

        if (Workers % Hosts != 0)
        {
            throw new UsageException($"--workers {Workers} do not divide evenly over --hosts {Hosts}.");
        }
    }

    /// <summary>Checks the slots against the trace.</summary>
    /// <exception cref="UsageException">They do not fit a layer.</exception>
    public void ValidateAgainst(IReadOnlyList<int> experts)
    {
        foreach (int count in experts)
        {
            long most = (long)count * (Workers - 1);
            if (count > 0 && SpareSlots > most)
            {
                throw new UsageException(
                    $"--spare-slots {SpareSlots} do not fit {count} experts on --workers {Workers}: an expert has at most one replica per worker, so at most {most}.");
            }
        }
    }
}

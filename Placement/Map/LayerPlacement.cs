using System.Collections.Immutable;

namespace MoEActors.Placement.Map;

/// <summary>
/// Where the experts of one layer are: every expert on one or more distinct ranks, one replica each. Immutable, valid by construction,
/// compared by value. Replicas are numbered by ascending rank; replica 0 is the expert's home.
/// </summary>
public sealed class LayerPlacement : IEquatable<LayerPlacement>
{
    private readonly int[] _offsets;
    private readonly int[] _ranks;

    /// <summary>Builds and checks the placement of a layer. O(shards · log replicas).</summary>
    /// <param name="workers">Number of workers.</param>
    /// <param name="ranks">By expert: the ranks that hold it, in any order.</param>
    /// <exception cref="PlacementException">An expert has no rank, one twice, or one that is no worker.</exception>
    public LayerPlacement(int workers, IReadOnlyList<IReadOnlyList<int>> ranks)
        : this(workers, [.. ranks.Select(replicas => replicas.ToArray())])
    {
    }

    /// <summary>As the public one, without the copies.</summary>
    internal LayerPlacement(int workers, int[][] ranks)
    {
        Workers = workers;
        _offsets = new int[ranks.Length + 1];
        for (int expert = 0; expert < ranks.Length; expert++)
        {
            _offsets[expert + 1] = _offsets[expert] + ranks[expert].Length;
        }

        _ranks = new int[_offsets[^1]];
        for (int expert = 0; expert < ranks.Length; expert++)
        {
            Span<int> replicas = _ranks.AsSpan(_offsets[expert], ranks[expert].Length);
            ranks[expert].CopyTo(replicas);
            if (replicas.Length > 1)
            {
                replicas.Sort();
            }

            Check(expert, replicas);
        }
    }

    /// <summary>A placement of one replica per expert. O(experts).</summary>
    /// <param name="workers">Number of workers.</param>
    /// <param name="ranks">By expert: the rank that holds it.</param>
    /// <exception cref="PlacementException">A rank is no worker.</exception>
    public static LayerPlacement OfSingles(int workers, IReadOnlyList<int> ranks) =>
        new(workers, [.. ranks.Select(rank => new[] { rank })]);

    /// <summary>Number of workers; ranks run from 0 below it.</summary>
    public int Workers { get; }

    /// <summary>Number of experts; 0 for a dense layer.</summary>
    public int Experts => _offsets.Length - 1;

    /// <summary>Number of shards: the replicas of all experts.</summary>
    public int Shards => _ranks.Length;

    /// <summary>Whether every expert has one replica.</summary>
    public bool IsSingle => Shards == Experts;

    /// <summary>The ranks that hold an expert, ascending; its index is the number of the replica.</summary>
    public ReadOnlySpan<int> RanksOf(int expert) => _ranks.AsSpan(_offsets[expert].._offsets[expert + 1]);

    /// <summary>By expert: the ranks that hold it, ascending.</summary>
    public int[][] Ranks() => [.. Enumerable.Range(0, Experts).Select(expert => RanksOf(expert).ToArray())];

    /// <summary>Position of an expert's first replica among all shards of the layer in canonical order; of the last expert + 1: their number.</summary>
    public int FirstShardOf(int expert) => _offsets[expert];

    /// <summary>Whether a rank holds an expert. O(log replicas).</summary>
    public bool Holds(int expert, int rank) => RanksOf(expert).BinarySearch(rank) >= 0;

    /// <summary>Shards on each rank.</summary>
    public ImmutableArray<int> ShardsPerWorker()
    {
        int[] shards = new int[Workers];
        foreach (int rank in _ranks)
        {
            shards[rank]++;
        }

        return ImmutableArray.Create(shards);
    }

    /// <inheritdoc />
    public bool Equals(LayerPlacement? other) =>
        other is not null && Workers == other.Workers && _offsets.AsSpan().SequenceEqual(other._offsets) && _ranks.AsSpan().SequenceEqual(other._ranks);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as LayerPlacement);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (int rank in _ranks)
        {
            hash.Add(rank);
        }

        return hash.ToHashCode();
    }

    private void Check(int expert, ReadOnlySpan<int> replicas)
    {
        if (replicas.IsEmpty)
        {
            throw new PlacementException($"Expert {expert} is placed nowhere; every expert needs a worker.");
        }

        for (int i = 0; i < replicas.Length; i++)
        {
            if (replicas[i] < 0 || replicas[i] >= Workers)
            {
                throw new PlacementException($"Expert {expert} is placed on rank {replicas[i]}, which is no worker; ranks run from 0 to {Workers - 1}.");
            }

            if (i > 0 && replicas[i] == replicas[i - 1])
            {
                throw new PlacementException($"Expert {expert} has two replicas on rank {replicas[i]}; replicas need distinct workers.");
            }
        }
    }
}

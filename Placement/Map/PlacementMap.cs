using System.Collections.Immutable;

namespace MoEActors.Placement.Map;

/// <summary>
/// Which worker holds each expert shard. Immutable, versioned and valid by construction: every expert of every layer is covered, every
/// shard has one worker, every worker exists, replicas of an expert are on distinct workers.
/// </summary>
public sealed class PlacementMap
{
    private readonly ImmutableArray<LayerPlacement> _layers;
    private readonly ImmutableArray<ImmutableArray<int>> _homes;
    private readonly Dictionary<WorkerId, int> _rankOf = [];

    /// <summary>Builds and checks a map of one replica of one slice per expert.</summary>
    /// <param name="version">Version; a new map of a model has a higher one.</param>
    /// <param name="workers">The workers in rank order.</param>
    /// <param name="ranks">By layer and expert: the rank that holds it. A dense layer has no experts.</param>
    /// <exception cref="PlacementException">There is no worker, one is named twice, or a rank names none.</exception>
    public PlacementMap(long version, IReadOnlyList<WorkerId> workers, IReadOnlyList<IReadOnlyList<int>> ranks)
        : this(version, workers, Placed(workers.Count, ranks.Count, layer => LayerPlacement.OfSingles(workers.Count, ranks[layer])))
    {
    }

    /// <summary>Builds and checks a map of any number of replicas per expert.</summary>
    /// <param name="version">Version; a new map of a model has a higher one.</param>
    /// <param name="workers">The workers in rank order.</param>
    /// <param name="layers">Where the experts of each layer are. A dense layer has no experts.</param>
    /// <exception cref="PlacementException">There is no worker, one is named twice, or a layer is made for another number of them.</exception>
    public PlacementMap(long version, IReadOnlyList<WorkerId> workers, IReadOnlyList<LayerPlacement> layers)
    {
        RequireWorkers(workers.Count);
        for (int rank = 0; rank < workers.Count; rank++)
        {
            if (!_rankOf.TryAdd(workers[rank], rank))
            {
                throw new PlacementException($"Worker {workers[rank]} is both rank {_rankOf[workers[rank]]} and rank {rank}; name it once.");
            }
        }

        for (int layer = 0; layer < layers.Count; layer++)
        {
            if (layers[layer].Workers != workers.Count)
            {
                throw new PlacementException($"Layer {layer} is placed on {layers[layer].Workers} workers; the map has {workers.Count}.");
            }
        }

        Version = version;
        Workers = [.. workers];
        _layers = [.. layers];
        _homes = [.. layers.Select(layer => Enumerable.Range(0, layer.Experts).Select(expert => layer.RanksOf(expert)[0]).ToImmutableArray())];
    }

    /// <summary>By layer and expert: the ranks that hold it, home first; what <see cref="OfReplicas"/> takes.</summary>
    public int[][][] Ranks() => [.. _layers.Select(layer => layer.Ranks())];

    /// <summary>Builds and checks a map from lists of ranks.</summary>
    /// <param name="version">Version; a new map of a model has a higher one.</param>
    /// <param name="workers">The workers in rank order.</param>
    /// <param name="ranks">By layer and expert: the ranks that hold it, in any order. A dense layer has no experts.</param>
    /// <exception cref="PlacementException">
    /// There is no worker, one is named twice, or an expert has no rank, one twice, or one that names no worker.
    /// </exception>
    public static PlacementMap OfReplicas(long version, IReadOnlyList<WorkerId> workers, IReadOnlyList<IReadOnlyList<IReadOnlyList<int>>> ranks) =>
        new(version, workers, Placed(workers.Count, ranks.Count, layer => new LayerPlacement(workers.Count, ranks[layer])));

    /// <summary>Version of the map.</summary>
    public long Version { get; }

    /// <summary>The workers in rank order.</summary>
    public ImmutableArray<WorkerId> Workers { get; }

    /// <summary>Number of layers, dense ones included.</summary>
    public int Layers => _layers.Length;

    /// <summary>All shards in canonical order.</summary>
    public IEnumerable<ShardId> Shards =>
        from layer in Enumerable.Range(0, Layers)
        from expert in Enumerable.Range(0, _layers[layer].Experts)
        from replica in Enumerable.Range(0, _layers[layer].RanksOf(expert).Length)
        select new ShardId(layer, expert, replica);

    /// <summary>Where the experts of a layer are, replicas included.</summary>
    public LayerPlacement PlacementOf(int layer) => _layers[layer];

    /// <summary>The ranks of a layer's experts; of an expert with replicas, the rank of its home, replica 0.</summary>
    public ImmutableArray<int> RanksOf(int layer) => _homes[layer];

    /// <summary>The experts of a layer of which a rank holds a replica, ascending.</summary>
    public IEnumerable<int> ExpertsOn(int rank, int layer) =>
        Enumerable.Range(0, _layers[layer].Experts).Where(expert => _layers[layer].Holds(expert, rank));

    /// <summary>Whether a worker holds a replica of an expert.</summary>
    public bool Holds(WorkerId worker, ExpertId expert) =>
        expert.Layer < Layers && expert.Expert < _layers[expert.Layer].Experts
        && RankOf(worker) is >= 0 and int rank && _layers[expert.Layer].Holds(expert.Expert, rank);

    /// <summary>Whether a map has the same experts on the same workers, whatever its version.</summary>
    public bool IsPlacedAs(PlacementMap other) => HasSameWorkersAs(other) && _layers.SequenceEqual(other._layers);

    /// <summary>The worker that holds a shard.</summary>
    /// <exception cref="PlacementException">The map does not know the shard.</exception>
    public WorkerId WorkerOf(ShardId shard)
    {
        if (shard.Layer < 0 || shard.Layer >= Layers || shard.Expert < 0 || shard.Expert >= _layers[shard.Layer].Experts || shard.Slice != 0
            || shard.Replica < 0 || shard.Replica >= _layers[shard.Layer].RanksOf(shard.Expert).Length)
        {
            throw new PlacementException($"Version {Version} of the placement has no shard {shard}.");
        }

        return Workers[_layers[shard.Layer].RanksOf(shard.Expert)[shard.Replica]];
    }

    /// <summary>This map with some experts elsewhere.</summary>
    /// <param name="version">Version of the new map.</param>
    /// <param name="moves">The moves; each must start where the shard is.</param>
    /// <exception cref="PlacementException">A shard or rank does not exist, the shard is not where the move starts, or the expert has replicas.</exception>
    public PlacementMap With(long version, IEnumerable<ShardMove> moves)
    {
        int[][][] ranks = Ranks();
        foreach ((int layer, int expert, int from, int to) in moves)
        {
            ShardId shard = new(layer, expert);
            int holder = RankOf(WorkerOf(shard));
            if (holder != from)
            {
                throw new PlacementException($"Shard {shard} is on rank {holder}, not on rank {from}.");
            }

            if (ranks[layer][expert].Length > 1)
            {
                throw new PlacementException(
                    $"Layer {layer}, expert {expert} has replicas on ranks {string.Join(", ", ranks[layer][expert])}; "
                    + "moves by hand are for experts with one. Ask for a placement that names all its ranks.");
            }

            ranks[layer][expert] = [to];
        }

        return OfReplicas(version, Workers, ranks);
    }

    /// <summary>The same placement under another version.</summary>
    public PlacementMap At(long version) => version == Version ? this : new PlacementMap(version, Workers, _layers);

    /// <summary>Whether both maps have the same workers in the same order.</summary>
    public bool HasSameWorkersAs(PlacementMap? other) => other is not null && Workers.SequenceEqual(other.Workers);

    /// <summary>The rank of a worker, or −1 when it is none of this map's.</summary>
    public int RankOf(WorkerId worker) => _rankOf.GetValueOrDefault(worker, -1);

    /// <summary>Throws unless the map covers exactly the experts of a model.</summary>
    /// <param name="experts">Experts of each layer.</param>
    /// <exception cref="PlacementException">Naming the first layer that does not fit.</exception>
    public void ValidateAgainst(IReadOnlyList<int> experts)
    {
        if (experts.Count != Layers)
        {
            throw new PlacementException($"The placement has {Layers} layers, the model {experts.Count}.");
        }

        for (int layer = 0; layer < Layers; layer++)
        {
            if (experts[layer] != _layers[layer].Experts)
            {
                throw new PlacementException($"Layer {layer}: the placement covers {_layers[layer].Experts} experts, the model has {experts[layer]}.");
            }
        }
    }

    /// <summary>Places layer by layer; an error names the layer, which a placement of one layer cannot.</summary>
    private static LayerPlacement[] Placed(int workers, int layers, Func<int, LayerPlacement> place)
    {
        RequireWorkers(workers);
        var placed = new LayerPlacement[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            try
            {
                placed[layer] = place(layer);
            }
            catch (PlacementException e)
            {
                throw new PlacementException($"Layer {layer}, {char.ToLowerInvariant(e.Message[0])}{e.Message[1..]}");
            }
        }

        return placed;
    }

    private static void RequireWorkers(int workers)
    {
        if (workers == 0)
        {
            throw new PlacementException("The placement names no worker: at least one silo with a device must be running.");
        }
    }
}

/// <summary>A placement that cannot work. The message names the layer, expert or worker, and what to do.</summary>
/// <param name="message">What is wrong, where, and what to do.</param>
public sealed class PlacementException(string message) : Exception(message);

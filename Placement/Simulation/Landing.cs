using MoEActors.Placement.Plans;

namespace MoEActors.Placement.Simulation;

/// <summary>A plan on its way into force: layer by layer, at so many bytes a step.</summary>
/// <param name="bytesPerStep">Bytes that may move during one training step.</param>
/// <param name="shardBytes">State of one shard, in bytes; one shard a step always may move.</param>
internal sealed class Landing(long bytesPerStep, long shardBytes)
{
    private readonly Queue<LayerPlan> _waiting = new();
    private long _credit;

    /// <summary>Whether the whole plan is in force.</summary>
    public bool IsDone => _waiting.Count == 0;

    /// <summary>Shards that have arrived so far.</summary>
    public int ShardsMoved { get; private set; }

    /// <summary>State that has travelled so far, in bytes.</summary>
    public long BytesMoved => ShardsMoved * shardBytes;

    /// <summary>Starts a plan.</summary>
    public void Begin(PlacementPlan plan)
    {
        _credit = 0;
        foreach (LayerPlan layer in plan.Layers)
        {
            _waiting.Enqueue(layer);
        }
    }

    /// <summary>Lets training steps pass and puts into force what has arrived whole.</summary>
    public void Advance(long steps, LayerPlacement[] current)
    {
        _credit += steps * Math.Max(1, bytesPerStep / shardBytes);
        while (_waiting.TryPeek(out LayerPlan? layer) && layer.Moves.Length <= _credit)
        {
            _waiting.Dequeue();
            _credit -= layer.Moves.Length;
            current[layer.Layer] = layer.Target;
            ShardsMoved += layer.Moves.Length;
        }
    }
}

using System.Collections.Immutable;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Parallelism;

/// <summary>How one layer runs in one step. None of it moves a parameter. Source: Tutel (arXiv 2206.03382), sections 3.1 and 3.2.</summary>
/// <param name="Slices">
/// r: 0 gathers the weights of all experts and leaves tokens where they are; from 1 on tokens travel, r times each, and every copy of an expert's weights is in r slices.
/// </param>
/// <param name="Overlap">d: chunks in which exchange and experts run one behind the other; 1 for none.</param>
/// <param name="Exchange">How rows cross the hosts.</param>
/// <param name="Copies">Whether experts that are busy in a pass may have copies that live for it; with r of 1 alone.</param>
public readonly record struct ParallelismChoice(int Slices, int Overlap, AllToAll Exchange, bool Copies = false)
{
    /// <summary>Tokens travel, once each, without chunks: expert parallelism as everybody knows it.</summary>
    public static ParallelismChoice ExpertParallel { get; } = new(1, 1, AllToAll.Linear);

    /// <summary>Rows or experts travel, as it says, without chunks.</summary>
    /// <param name="travels">What travels.</param>
    public static implicit operator ParallelismChoice(LayerParallelism travels) => Of(travels);

    /// <summary>Rows or experts travel, as it says, without chunks.</summary>
    /// <param name="travels">What travels.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such thing.</exception>
    public static ParallelismChoice Of(LayerParallelism travels) => travels switch
    {
        LayerParallelism.Expert => ExpertParallel,
        LayerParallelism.Data => ExpertParallel with { Slices = 0 },
        LayerParallelism.TransientCopies => ExpertParallel with { Copies = true },
        _ => throw new ArgumentOutOfRangeException(
            nameof(travels), travels, $"There is no parallelism {travels}; there are {string.Join(", ", Enum.GetNames<LayerParallelism>())}."),
    };

    /// <summary>Rows travel r times, each to every slice of its expert; without chunks.</summary>
    /// <param name="slices">r, from 1.</param>
    public static ParallelismChoice Sliced(int slices) => ExpertParallel with { Slices = slices };

    /// <summary>What a layer has of a list; expert parallelism where it says nothing of the layer.</summary>
    /// <param name="layers">By layer.</param>
    /// <param name="layer">The layer.</param>
    public static ParallelismChoice In(IReadOnlyList<ParallelismChoice> layers, int layer) => layer < layers.Count ? layers[layer] : ExpertParallel;

    /// <summary>What travels.</summary>
    public LayerParallelism Travels => Slices == 0 ? LayerParallelism.Data : Copies ? LayerParallelism.TransientCopies : LayerParallelism.Expert;

    /// <inheritdoc />
    public override string ToString() => Slices == 0
        ? "r = 0"
        : $"r = {Slices}, d = {Overlap}, {(Exchange == AllToAll.Linear ? "linear" : "hierarchical")}{(Copies ? ", with copies" : "")}";
}

/// <summary>The choices that a layer has: what the engine can do, and what the shapes allow.</summary>
public sealed record PossibleChoices
{
    /// <summary>Highest r: workers per expert, at least 1.</summary>
    public int MostSlices { get; init; } = 1;

    /// <summary>Whether r = 0 is possible: the weights and gradients of all experts fit beside the rest.</summary>
    public bool CanGather { get; init; } = true;

    /// <summary>Whether busy experts may have copies that live for a pass.</summary>
    public bool CanCopy { get; init; }

    /// <summary>Overlap degrees, ascending; the first is that of r = 0, which has no exchange.</summary>
    public ImmutableArray<int> Overlaps { get; init; } = [1];

    /// <summary>Ways to cross the hosts; the first is that of r = 0.</summary>
    public ImmutableArray<AllToAll> Exchanges { get; init; } = [AllToAll.Linear];

    /// <summary>Every choice of one r: one for r = 0, else all overlap degrees and ways, those of r = 1 also with copies.</summary>
    public IEnumerable<ParallelismChoice> Of(int slices) => slices == 0
        ? [new ParallelismChoice(0, Overlaps[0], Exchanges[0])]
        : from overlap in Overlaps
          from exchange in Exchanges
          from copies in (bool[])(CanCopy && slices == 1 ? [false, true] : [false])
          select new ParallelismChoice(slices, overlap, exchange, copies);

    /// <summary>Every choice.</summary>
    public IEnumerable<ParallelismChoice> All() => Enumerable.Range(CanGather ? 0 : 1, MostSlices + (CanGather ? 1 : 0)).SelectMany(Of);
}

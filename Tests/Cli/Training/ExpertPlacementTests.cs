using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Progress;
using MoEActors.Cli.Training;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;

namespace MoEActors.Tests.Cli.Training;

/// <summary>Where experts are, how busy they are, and what has just moved.</summary>
public sealed class ExpertPlacementTests
{
    private static readonly long[][] Tokens = [[30, 10], [], [20, 20]];

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Loads_are_relative_to_their_layer_and_silos_share_all_tokens()
    {
        (IReadOnlyList<ExpertLayer> layers, IReadOnlyList<SiloShare> silos) = new ExpertPlacement(Status(1, [[[0], [1]], [], [[1], [1]]]), _time).Spread(Tokens);
        Assert.Equal([0, 2], layers.Select(layer => layer.Layer));
        Assert.Equal([1.5, 0.5, 1, 1], layers.SelectMany(layer => layer.Experts).Select(expert => expert.Load));
        Assert.Equal(["0", "1", "1", "1"], layers.SelectMany(layer => layer.Experts).Select(expert => string.Join(" ", expert.Silos)));
        Assert.Equal([new SiloShare("silo-0", 30 / 80.0), new SiloShare("silo-1", 50 / 80.0)], silos);
    }

    [Fact]
    public void Replicas_share_the_tokens_of_an_expert()
    {
        (IReadOnlyList<ExpertLayer> layers, IReadOnlyList<SiloShare> silos) = new ExpertPlacement(Status(1, [[[0, 1], [1]], [], [[0], [1]]]), _time).Spread(Tokens);
        Assert.Equal([0, 1], layers[0].Experts[0].Silos);
        Assert.Equal(1, silos.Sum(silo => silo.Share), 1e-9);
        Assert.True(silos[0].Share > 20 / 80.0);
    }

    [Fact]
    public void No_tokens_at_all_are_no_share_and_no_load()
    {
        (IReadOnlyList<ExpertLayer> layers, IReadOnlyList<SiloShare> silos) = new ExpertPlacement(Status(1, [[[0], [1]], [], [[1], [1]]]), _time).Spread([[0, 0], [], [0, 0]]);
        Assert.All(layers.SelectMany(layer => layer.Experts), expert => Assert.Equal(0, expert.Load));
        Assert.All(silos, silo => Assert.Equal(0, silo.Share));
        Assert.Empty(new ExpertPlacement(Status(1, [[[0], [1]]]), _time).Spread([]).Layers);
    }

    [Fact]
    public void What_came_to_another_silo_has_moved_lately_and_what_only_left_one_has_not()
    {
        ExpertPlacement placement = new(Status(1, [[[0, 1], [1]], [], [[1], [1]]]), _time);
        Assert.Null(placement.Follow(Status(1, [[[0], [0]], [], [[1], [1]]]), 3));
        Assert.Empty(placement.Moved);
        Assert.Equal(5, placement.Follow(Status(2, [[[0], [0]], [], [[0, 1], [1]]]), 5)!.Step);
        Assert.Equal([(0, 1), (2, 0)], placement.Moved.Select(moved => (moved.Layer, moved.Expert)));
        Assert.All(placement.Moved, moved => Assert.Equal(_time.GetUtcNow(), moved.At));
        _time.Advance(TimeSpan.FromSeconds(1));
        placement.Follow(Status(3, [[[1], [0]], [], [[0, 1], [1]]]), 6);
        Assert.Equal(3, placement.Moved.Count);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(placement.Moved);
    }

    /// <summary>A state with experts, by layer, on the ranks of their replicas; two silos.</summary>
    private static TrainingStatus Status(long view, int[][][] ranks) => new()
    {
        Model = "m",
        Term = 1,
        View = view,
        Step = 0,
        Configuration = new RunConfiguration { Model = new ModelConfiguration { Experts = [2, 0, 2] }, MicroBatches = 4 },
        Map = PlacementMap.OfReplicas(view, [new WorkerId("a@1", 0), new WorkerId("b@1", 0)], ranks),
        SiloNames = ["silo-0", "silo-1"],
    };
}

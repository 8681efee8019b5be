using MoEActors.Grains.Cluster;

namespace MoEActors.Tests.Training;

/// <summary>Who is left out when silos cannot reach each other over the data plane.</summary>
public sealed class UnreachedLinksTests
{
    private static readonly string[] Members = ["a", "b", "c", "d"];

    [Fact]
    public void The_silo_that_most_others_cannot_reach_is_left_out_the_second_time()
    {
        UnreachedLinks links = new();
        links.Failed([("a", "c"), ("b", "c"), ("c", "a"), ("d", "c")]);
        Assert.Null(links.TakeCulprit(Members, _ => false));
        links.Failed([("c", "a"), ("c", "b")]);
        Assert.Equal(("c", 3), links.TakeCulprit(Members, _ => false));

        // What was said of it is forgotten.
        links.Failed([("a", "b")]);
        Assert.Null(links.TakeCulprit(Members, _ => false));
    }

    [Fact]
    public void One_that_was_left_out_before_is_left_out_at_once()
    {
        UnreachedLinks links = new();
        links.Failed([("d", "a"), ("d", "b"), ("d", "c")]);
        Assert.Equal(("d", 3), links.TakeCulprit(Members, silo => silo == "d"));
    }

    [Fact]
    public void The_later_one_of_two_goes()
    {
        UnreachedLinks links = new();
        links.Failed([("b", "a")]);
        links.Failed([("a", "b")]);
        Assert.Equal(("b", 1), links.TakeCulprit(["a", "b"], _ => false));
    }

    [Fact]
    public void A_silo_that_has_died_is_left_to_membership_and_a_view_that_works_ends_all_suspicion()
    {
        UnreachedLinks links = new();
        links.Failed([("a", "c"), ("b", "c")]);
        links.Failed([("a", "c")]);
        Assert.Null(links.TakeCulprit(["a", "b", "d"], _ => false));

        links.Failed([("a", "b")]);
        links.Worked();
        links.Failed([("a", "b")]);
        links.Failed([]);
        Assert.Null(links.TakeCulprit(Members, _ => false));
    }
}

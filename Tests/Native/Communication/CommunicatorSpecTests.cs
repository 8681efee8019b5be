using System.Net;
using MoEActors.Native.Communication;

namespace MoEActors.Tests.Native.Communication;

public sealed class CommunicatorSpecTests
{
    [Fact]
    public void Members_are_in_rank_order_and_deadlines_have_defaults()
    {
        CommunicatorSpec spec = Of(1, new CommunicatorMember(1, "b", 0, new IPEndPoint(IPAddress.Loopback, 7)), new CommunicatorMember(0, "a", 3));
        Assert.Equal(["a", "b"], spec.Members.Select(member => member.Host));
        Assert.Equal((1, 2), (spec.Rank, spec.Size));
        Assert.Equal(TimeSpan.FromSeconds(3), spec.LivenessDeadline);
        Assert.Equal(TimeSpan.FromSeconds(30), spec.ProgressDeadline);
        Assert.Equal("StepProgram communicator of model 'm', term 2, view 5", spec.ToString());
        Assert.EndsWith("view 5, attempt 8", (spec with { Attempt = 8 }).ToString());
    }

    [Fact]
    public void Ranks_that_share_a_process_are_known()
    {
        CommunicatorSpec spec = Of(0, [.. "abacb".Select((host, rank) => new CommunicatorMember(rank, $"{host}", rank))]);
        Assert.Equal([[0, 2], [1, 4], [3]], spec.RanksByHost.Select(ranks => ranks.ToArray()));
    }

    [Theory]
    [InlineData("10.0.0.1:4000", typeof(IPEndPoint))]
    [InlineData("[fe80::1]:1", typeof(IPEndPoint))]
    [InlineData("silo-3.internal:65535", typeof(DnsEndPoint))]
    public void A_place_of_data_connections_is_read_as_it_is_written(string text, Type type)
    {
        EndPoint place = DataEndPoint.Parse(text);
        Assert.IsType(type, place);
        Assert.Equal(text, DataEndPoint.Format(place));
    }

    [Theory, InlineData(""), InlineData("host"), InlineData(":4000"), InlineData("host:65536"), InlineData("host:-1"), InlineData("fe80::1:4000")]
    public void What_names_no_place_is_refused(string text) => Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => DataEndPoint.Parse(text)).Message);

    [Theory]
    [InlineData("0, 2")]
    [InlineData("0, 0")]
    [InlineData("1, 2")]
    [InlineData("-1, 0")]
    public void Every_rank_from_0_on_must_be_there_once(string ranks)
    {
        CommunicatorMember[] members = [.. ranks.Split(", ").Select(rank => new CommunicatorMember(int.Parse(rank), "h", 0))];
        string message = Assert.Throws<ArgumentException>(() => Of(0, members)).Message;
        Assert.Contains($"have the ranks {ranks}; 2 members must have each of 0 to 1 once", message);
    }

    [Fact]
    public void A_member_needs_a_host_and_a_device()
    {
        Assert.Contains("Rank 0 is on device 0 of host ''", Assert.Throws<ArgumentException>(() => Of(0, new CommunicatorMember(0, "", 0))).Message);
        Assert.Contains("device -1", Assert.Throws<ArgumentException>(() => Of(0, new CommunicatorMember(0, "h", -1))).Message);
        Assert.Contains("at least one rank", Assert.Throws<ArgumentException>(() => Of(0)).Message);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void The_opening_rank_must_be_a_member(int rank) =>
        Assert.Contains(
            $"Rank {rank} is none of the 1 members",
            Assert.Throws<ArgumentOutOfRangeException>(() => Of(rank, new CommunicatorMember(0, "h", 0))).Message);

    [Fact]
    public void Deadlines_are_positive_and_the_model_has_a_name()
    {
        CommunicatorSpec spec = Of(0, new CommunicatorMember(0, "h", 0));
        Assert.Contains(
            "ProgressDeadline must be positive",
            Assert.Throws<ArgumentOutOfRangeException>(() => spec with { ProgressDeadline = TimeSpan.Zero }).Message);
        Assert.Contains(
            "LivenessDeadline must be positive",
            Assert.Throws<ArgumentOutOfRangeException>(() => spec with { LivenessDeadline = Timeout.InfiniteTimeSpan }).Message);
        Assert.Contains("name of a model", Assert.Throws<ArgumentException>(() => spec with { Model = "" }).Message);
    }

    private static CommunicatorSpec Of(int rank, params CommunicatorMember[] members) => new(members, rank)
    {
        Purpose = CommunicatorPurpose.StepProgram,
        Model = "m",
        Term = 2,
        View = 5,
    };
}

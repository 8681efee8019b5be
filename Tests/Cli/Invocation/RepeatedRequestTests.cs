using Microsoft.Extensions.Time.Testing;
using MoEActors.Cli.Invocation;

namespace MoEActors.Tests.Cli.Invocation;

/// <summary>Who asks again for the end of a program, and what only passes one request on.</summary>
public sealed class RepeatedRequestTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RepeatedRequest _requests;

    public RepeatedRequestTests() => _requests = new RepeatedRequest(_time);

    [Fact]
    public void A_request_is_not_repeated_by_itself()
    {
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(_requests.IsRepeated());
    }

    /// <summary>`timeout -s INT 60 moe train` sends the signal to the program and to its group, and a terminal's Ctrl-C goes to a group whose shell may pass it on.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(500)]
    public void What_comes_with_the_first_is_the_first(int milliseconds)
    {
        Assert.False(_requests.IsRepeated());
        Assert.False(_requests.IsRepeated());
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
        Assert.False(_requests.IsRepeated());
    }

    [Fact]
    public void Whoever_waits_and_asks_again_is_understood()
    {
        Assert.False(_requests.IsRepeated());
        Assert.False(_requests.IsRepeated());
        _time.Advance(RepeatedRequest.Echo + TimeSpan.FromMilliseconds(1));
        Assert.True(_requests.IsRepeated());
    }
}

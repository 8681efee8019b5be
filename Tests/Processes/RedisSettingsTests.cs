using MoEActors.Client.Connections;
using MoEActors.Silo.Clustering;

namespace MoEActors.Tests.Processes;

/// <summary>How a Redis server must keep things, and how people write where it is.</summary>
public sealed class RedisSettingsTests
{
    [Theory]
    [InlineData("yes", "always", "noeviction", "1000000", null)]
    [InlineData("yes", "always", "allkeys-lru", "0", "as soon as its memory is limited")]
    [InlineData("yes", "everysec", "noeviction", "0", "up to two seconds")]
    [InlineData("yes", "no", "noeviction", "0", "half a minute")]
    [InlineData("no", "everysec", "noeviction", "0", "everything since its last snapshot")]
    [InlineData("yes", null, null, null, null)]
    [InlineData(null, null, null, null, "it does not say")]
    public void What_may_be_lost_is_told(string? appends, string? syncs, string? evicts, string? memory, string? warning)
    {
        var settings = new RedisSettings(appends, syncs, evicts, memory);
        Assert.Null(settings.Refusal);
        if (warning is null)
        {
            Assert.Empty(settings.Warnings);
        }
        else
        {
            Assert.Contains(warning, Assert.Single(settings.Warnings), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("volatile-ttl")]
    [InlineData("allkeys-random")]
    public void A_server_that_throws_things_away_is_refused(string policy)
    {
        var settings = new RedisSettings("yes", "always", policy, "1000000");
        Assert.Contains($"maxmemory-policy {policy}", settings.Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis://host", "host:6379", null, false)]
    [InlineData("redis://host:1", "host:1", null, false)]
    [InlineData("rediss://user:p%40ss@host:1/2", "host:1", "p@ss", true)]
    [InlineData("host:1,password=secret,ssl=true", "host:1", "secret", true)]
    [InlineData("a:1,b:2", "a:1,b:2", null, false)]
    public void An_address_is_read(string text, string place, string? password, bool ssl)
    {
        var address = RedisAddress.Parse(text);
        Assert.Equal((place, password, ssl), (address.ToString(), address.Options.Password, address.Options.Ssl));
        Assert.Equal("other", RedisAddress.Parse(text, "other").Options.Password);
    }

    [Theory]
    [InlineData("redis://")]
    [InlineData("redis://host:port")]
    [InlineData("redis://:hunter2@")]
    [InlineData("redis://:hunter2@host:1/database")]
    [InlineData("host:1,hunter2=1,nonsense=hunter2")]
    [InlineData("")]
    public void What_is_no_address_is_refused_without_being_repeated(string text)
    {
        FormatException wrong = Assert.Throws<FormatException>(() => RedisAddress.Parse(text));
        Assert.DoesNotContain("hunter2", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("redis://host:1", "host:1", 0)]
    [InlineData("127.0.0.1:30000", null, 1)]
    [InlineData("a:1, b.example:2,[::1]:3", null, 3)]
    public void A_cluster_is_found_by_redis_or_gateways(string text, string? redis, int gateways)
    {
        ConnectOptions options = ConnectOptions.Parse(text);
        Assert.Equal((redis is not null, gateways), (options.Redis is not null, options.Gateways.Count));
    }

    [Theory]
    [InlineData("mine")]
    [InlineData("host:0")]
    [InlineData("host:1,other")]
    [InlineData("host:70000")]
    [InlineData(":1")]
    [InlineData("")]
    public void What_leads_to_no_cluster_is_refused(string text) => Assert.Throws<FormatException>(() => ConnectOptions.Parse(text));
}

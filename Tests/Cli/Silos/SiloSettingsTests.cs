using MoEActors.Cli.Invocation;
using MoEActors.Cli.Silos;
using MoEActors.Silo.Clustering;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Cli.Silos;

/// <summary>What a silo is told in three ways, and everything that is wrong with it, at once and where it was said.</summary>
public sealed class SiloSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_option_wins_over_the_environment_and_that_over_the_file()
    {
        SiloSettings settings = Read(
            """{ "redis": "redis://file:1", "name": "file", "address": "127.0.0.1", "siloPort": 1001, "gatewayPort": 1002, "devices": 2, "logLevel": "debug" }""",
            new() { ["MOE_NAME"] = "environment", ["MOE_SILO_PORT"] = "2001", ["MOE_SECRET"] = "0123456789abcdef" },
            new() { ["siloPort"] = "3001" });
        Assert.Equal(("redis://file:1", "environment", 3001, 1002), (settings.File.Redis, settings.Name, settings.File.SiloPort, settings.File.GatewayPort));
        var cluster = new MoEClusterOptions();
        settings.Apply(cluster);
        Assert.Equal(("environment", 3001, "0123456789abcdef", "moe"), (cluster.SiloName, cluster.SiloPort, cluster.Secret, cluster.ClusterId));
        var host = new MoEOptions();
        settings.Apply(host);
        Assert.Equal(2, host.Devices);
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Debug, settings.File.LogLevel);
    }

    [Fact]
    public void Every_mistake_is_told_at_once_and_where_it_was_made()
    {
        UsageException wrong = Assert.Throws<UsageException>(() => Read(
            """{ "redis": "redis://", "sloPort": 3, "devices": 0, "checkpointRoot": "/dev/null/folder" }""",
            new() { ["MOE_GATEWAY_PORT"] = "many", ["MOE_NAME"] = "a silo", ["MOE_ADDRESS"] = "0.0.0.0" },
            new() { ["healthPort"] = "70000", ["logLevel"] = "loud" }));
        string[] lines = wrong.Message.ReplaceLineEndings("\n").Split('\n');
        Assert.Equal("there are 10 mistakes in what this silo was told:", lines[0]);
        Assert.Equal(12, lines.Length);
        foreach (string beginning in new[]
        {
            "$.redis must be redis://HOST:PORT", "$.sloPort is not known; known here: redis,", "$.devices is 0; it must be at least 1.",
            "$.checkpointRoot is '/dev/null/folder'; it must be a folder, or the name of one that can be made: ", "MOE_GATEWAY_PORT is \"many\"; it must be a whole number.",
            "MOE_NAME is 'a silo'; it must be a name", "MOE_ADDRESS is '0.0.0.0', which leads nowhere", "--health-port is 70000; it must be a port",
            "--log-level is \"loud\"; it must be one of trace, debug,", "--secret-file (or MOE_SECRET_FILE, or $.secretFile in the file) is missing: other machines can reach this silo",
        })
        {
            Assert.Single(lines, line => line.StartsWith($"  {beginning}", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("{ }", "--redis (or MOE_REDIS, or $.redis in the file) is missing")]
    [InlineData("""{ "redis": "a:1", "siloPort": 5, "gatewayPort": 5 }""", "$.gatewayPort is 5, which silos use already")]
    [InlineData("""{ "redis": "a:1", "address": "no-such-host.invalid" }""", "$.address is 'no-such-host.invalid'; it must be an address")]
    [InlineData("""{ "redis": "a:1", "address": "10.0.0.1" }""", "is missing: other machines can reach this silo")]
    [InlineData("""{ "redis": "a:1", "listenAddress": "0.0.0.0" }""", "is missing: other machines can reach this silo")]
    [InlineData("""{ "redis": "a:1", "secretFile": "no/such/file" }""", "$.secretFile no/such/file cannot be read")]
    [InlineData("""{ "redis": null }""", "$.redis is null; it must be a text.")]
    public void A_mistake_is_told(string file, string mistake) =>
        Assert.Contains(mistake, Assert.Throws<UsageException>(() => Read(file, [], [])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("[1]")]
    [InlineData("{")]
    [InlineData("""{ "redis": "a:1", "redis": "b:1" }""")]
    public void A_file_that_is_no_object_is_refused(string text) =>
        Assert.Contains("is no JSON", Assert.Throws<UsageException>(() => Read(text, [], [])).Message, StringComparison.Ordinal);

    [Fact]
    public void A_secret_comes_from_the_environment_or_a_file_and_is_never_repeated()
    {
        string file = _folder.Write("secret", "0123456789abcdef0123\n");
        Assert.Equal("0123456789abcdef0123", Read("""{ "redis": "a:1" }""", new() { ["MOE_SECRET_FILE"] = file }, []).Secret);
        Assert.Equal("a secret of some length", Read("""{ "redis": "a:1" }""", new() { ["MOE_SECRET"] = "a secret of some length" }, []).Secret);
        Assert.DoesNotContain(SiloValue.All, value => value.Option is "--secret" or "--redis-password");

        UsageException shortOne = Assert.Throws<UsageException>(() => Read("""{ "redis": "a:1" }""", new() { ["MOE_SECRET"] = "hunter2" }, []));
        Assert.Contains("MOE_SECRET is too short", shortOne.Message, StringComparison.Ordinal);
        UsageException shown = Assert.Throws<UsageException>(() => Read("{ }", [], new() { ["redis"] = "redis://:hunter2@a:1" }));
        Assert.Contains("--redis has a password", shown.Message, StringComparison.Ordinal);
        UsageException other = Assert.Throws<UsageException>(() => Read("""{ "redis": "redis://:hunter2@:x", "nme": "x" }""", [], []));
        Assert.All([shortOne, shown, other], error => Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_value_has_three_names_and_a_description()
    {
        Assert.All(SiloValue.All, value =>
        {
            Assert.StartsWith("MOE_", value.Variable, StringComparison.Ordinal);
            Assert.StartsWith("--", value.Option, StringComparison.Ordinal);
            Assert.NotEmpty(value.Description);
        });
        Assert.Equal(("gatewayPort", "MOE_GATEWAY_PORT", "--gateway-port"), (SiloValue.Of("gatewayPort").Name, SiloValue.Of("gatewayPort").Variable, SiloValue.Of("gatewayPort").Option));
    }

    private SiloSettings Read(string file, Dictionary<string, string> environment, Dictionary<string, string> options) =>
        SiloSettings.Read(_folder.Write("silo.json", file), environment, options);
}

using System.Text.RegularExpressions;
using MoEActors.Cli.Silos;
using MoEActors.Silo.Clustering;
using MoEActors.Tests.Client.Data;
using YamlDotNet.RepresentationModel;

namespace MoEActors.Tests.Deployment;

/// <summary>
/// The files for containers say what silos understand. There is no container engine here: what a container would tell its silo is read from the files and given to a
/// silo's settings.
/// </summary>
public sealed partial class ManifestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Files => ["docker-compose.yml", "deploy/kubernetes/redis.yaml", "deploy/kubernetes/silos.yaml", "deploy/kubernetes/network.yaml", "deploy/kubernetes/kustomization.yaml"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_silo_of_the_stateful_set_can_start_by_what_it_is_told()
    {
        YamlMappingNode container = Container("deploy/kubernetes/silos.yaml", "moe");
        Dictionary<string, string> environment = ((YamlSequenceNode)container["env"]).Cast<YamlMappingNode>().ToDictionary(
            entry => Text(entry["name"]), entry => entry.Children.TryGetValue("value", out YamlNode? value) ? Text(value) : FieldOf(entry));
        SiloSettings settings = Accepted(environment);
        Assert.Equal("moe-0", settings.Name);
        Assert.Equal(Ports(container), OwnPorts(settings));
        Assert.All(new[] { "startupProbe", "livenessProbe", "readinessProbe" }, probe =>
        {
            YamlNode get = container[probe]["httpGet"];
            Assert.Contains(Text(get["path"]), new[] { SiloHost.Live, SiloHost.Ready });
            Assert.Equal("health", Text(get["port"]));
        });
        Assert.Equal(SiloHost.Ready, Text(container["readinessProbe"]["httpGet"]["path"]));

        static string FieldOf(YamlMappingNode entry) => Text(entry["valueFrom"]["fieldRef"]["fieldPath"]) switch
        {
            "metadata.name" => "moe-0",
            "status.podIP" => "10.1.2.3",
            string other => throw new InvalidOperationException($"No pod has a {other}."),
        };
    }

    [Theory]
    [InlineData("silo-1")]
    [InlineData("silo-2")]
    [InlineData("silo-3")]
    public void Every_silo_of_the_compose_file_can_start_by_what_it_is_told(string service)
    {
        var services = (YamlMappingNode)Documents("docker-compose.yml").Single()["services"];
        var given = (YamlMappingNode)services[service]["environment"];

        // YAML's merge key, which containers' engines resolve.
        IEnumerable<KeyValuePair<YamlNode, YamlNode>> entries = given.Children.Where(entry => Text(entry.Key) == "<<").SelectMany(entry => ((YamlMappingNode)entry.Value).Children)
            .Concat(given.Children.Where(entry => Text(entry.Key) != "<<"));
        Dictionary<string, string> environment = entries.ToDictionary(entry => Text(entry.Key), entry => Text(entry.Value));

        // A name is only known inside of the engine's network.
        environment["MOE_ADDRESS"] = "10.1.2.3";
        environment["MOE_LISTEN_ADDRESS"] = "0.0.0.0";
        Assert.Equal(service, Accepted(environment).Name);
    }

    [Theory]
    [InlineData("docker-compose.yml")]
    [InlineData("deploy/kubernetes/redis.yaml")]
    public void Redis_keeps_what_it_acknowledges(string file)
    {
        string command = Commands(file, "redis-server").Single();
        Assert.Contains("--appendonly yes", command, StringComparison.Ordinal);
        Assert.Contains("--appendfsync always", command, StringComparison.Ordinal);
        Assert.Contains("--maxmemory-policy noeviction", command, StringComparison.Ordinal);
        Assert.Contains("--requirepass", command, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Variables_that_begin_with_moe_are_a_silos(string file)
    {
        string[] known = [.. SiloValue.All.Select(value => value.Variable), SiloSettings.SecretVariable, SiloSettings.RedisPasswordVariable];
        Assert.All(Variables().Matches(File.ReadAllText(Find(file))).Select(match => match.Value), variable => Assert.Contains(variable, known));
    }

    [Fact]
    public void The_files_that_are_applied_are_there()
    {
        var resources = (YamlSequenceNode)Documents("deploy/kubernetes/kustomization.yaml").Single()["resources"];
        Assert.NotEmpty(resources);
        Assert.All(resources, resource => Assert.True(File.Exists(Find($"deploy/kubernetes/{Text(resource)}"))));
    }

    /// <summary>The settings of a silo with such an environment, its secrets in files.</summary>
    private SiloSettings Accepted(Dictionary<string, string> environment)
    {
        foreach ((string variable, string place) in environment.Where(entry => entry.Key.EndsWith("_FILE", StringComparison.Ordinal)).ToArray())
        {
            environment[variable] = _folder.Write(Path.GetFileName(place), new string('s', 64));
        }

        if (environment.ContainsKey("MOE_CHECKPOINT_ROOT"))
        {
            environment["MOE_CHECKPOINT_ROOT"] = _folder.Path;
        }

        return SiloSettings.Read(path: null, environment, new Dictionary<string, string>());
    }

    private static (string Name, string Port)[] Ports(YamlMappingNode container) =>
        [.. ((YamlSequenceNode)container["ports"]).Select(port => (Text(port["name"]), Text(port["containerPort"])))];

    private static (string Name, string Port)[] OwnPorts(SiloSettings settings)
    {
        MoEClusterOptions cluster = settings.Cluster();
        return [("silo", $"{cluster.SiloPort}"), ("gateway", $"{cluster.GatewayPort}"), ("data", $"{cluster.DataPort}"), ("health", $"{settings.HealthPort}")];
    }

    private static YamlMappingNode Container(string file, string set) => (YamlMappingNode)Documents(file)
        .Single(one => Text(one["kind"]) == "StatefulSet" && Text(one["metadata"]["name"]) == set)["spec"]["template"]["spec"]["containers"][0];

    /// <summary>The texts of a file in which a program is called.</summary>
    private static IEnumerable<string> Commands(string file, string program) => Documents(file).SelectMany(document => document.AllNodes).OfType<YamlScalarNode>()
        .Select(Text).Where(text => text.Contains($"exec {program}", StringComparison.Ordinal));

    private static IEnumerable<YamlMappingNode> Documents(string file)
    {
        using var reader = new StreamReader(Find(file));
        var stream = new YamlStream();
        stream.Load(reader);
        return [.. stream.Documents.Select(document => (YamlMappingNode)document.RootNode)];
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    private static string Find(string file) => Path.Combine(AppContext.BaseDirectory, "Deployment", file);

    [GeneratedRegex(@"\bMOE_[A-Z_]+")]
    private static partial Regex Variables();
}

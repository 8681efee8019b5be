using System.CommandLine;
using MoEActors.Cli.Silos;
using MoEActors.Cli.Supervision;
using MoEActors.Client.Connections;
using MoEActors.Modules.Checkpoints;

namespace MoEActors.Cli.Clusters;

/// <summary>How a command is told to use a cluster of other processes instead of silos in its own.</summary>
internal static class ConnectOption
{
    private const string Name = "--connect";

    /// <summary>The option. Without a value it means the cluster of this machine.</summary>
    public static Option<string?> Create() => new(Name)
    {
        Description = "Use a cluster of other processes: redis://HOST:PORT, or gateways of its silos as HOST:PORT,HOST:PORT; without a value, the one that moe cluster"
            + " runs here. MOE_SECRET, MOE_REDIS_PASSWORD, MOE_CLUSTER_ID and MOE_SERVICE_ID say the rest.",
        HelpName = "ADDRESS",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>Whether a command was told so.</summary>
    public static bool IsGiven(ParseResult parsed, Option<string?> option) => parsed.GetResult(option) is { Implicit: false };

    /// <summary>The cluster to connect to; null for silos in this process.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="option">The option.</param>
    /// <param name="runs">The folder of runs, beside which the cluster of this machine is.</param>
    /// <exception cref="UsageException">It is no address, or there is no cluster here.</exception>
    public static ConnectOptions? Of(ParseResult parsed, Option<string?> option, string runs = OutputPath.Runs) =>
        !IsGiven(parsed, option) ? null : parsed.GetValue(option) is { } address ? Elsewhere(address) : Here(runs);

    private static ConnectOptions Elsewhere(string address)
    {
        UsageException.ThrowUnless(
            !SiloSettings.HasPassword(address),
            $"{Name} has a password, which everybody on this machine sees in the list of processes; leave it to {SiloSettings.RedisPasswordVariable}.");
        try
        {
            ConnectOptions options = ConnectOptions.Parse(address) with { Secret = Secret(), RedisPassword = Variable(SiloSettings.RedisPasswordVariable) };
            return options with
            {
                ClusterId = Variable(SiloValue.Of("clusterId").Variable) ?? options.ClusterId,
                ServiceId = Variable(SiloValue.Of("serviceId").Variable) ?? options.ServiceId,
            };
        }
        catch (FormatException)
        {
            throw new UsageException(
                $"{Name} '{address}' is neither redis://HOST:PORT nor HOST:PORT,HOST:PORT. Without a value it means the cluster that runs here; then it comes last, or before another option.");
        }
    }

    private static ConnectOptions Here(string runs) => ClusterFolder.Beside(runs).Connection()
        ?? throw new UsageException($"{Name} without an address means the cluster of this machine, and none was started beside {runs}. Start one with: moe cluster");

    private static string? Secret()
    {
        try
        {
            return Variable(SiloSettings.SecretVariable) ?? (Variable(SiloValue.Of("secretFile").Variable) is { } file ? RegularFile.ReadText(file).Trim() : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{SiloValue.Of("secretFile").Variable} cannot be read: {e.Message}");
        }
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : null;
}

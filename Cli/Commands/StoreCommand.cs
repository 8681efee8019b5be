using System.CommandLine;
using MoEActors.Cli.Silos;
using MoEActors.Cli.Supervision;
using MoEActors.Silo.Clustering;

namespace MoEActors.Cli.Commands;

/// <summary>
/// `moe store`: a server of the Redis protocol on this machine alone, which keeps everything that it acknowledges. `moe cluster` starts it; it is hidden, as a cluster
/// of several machines has Redis.
/// </summary>
internal static class StoreCommand
{
    public static Command Create()
    {
        Option<int?> port = NumberOption.OptionalCount(LocalStore.PortOption, "Port on loopback; a free one unless given.");
        Option<string> data = TextOption.Required(LocalStore.DataOption, "FOLDER", "Folder that keeps what the server is given.");
        Option<bool> redis = new(LocalStore.RedisOption) { Description = "Let redis-server serve, which must be on the PATH." };
        Option<bool> endWithInput = ParentWatch.Option();
        Command command = new(LocalStore.Command, "Serve the Redis protocol on this machine, for silos on this machine. MOE_REDIS_PASSWORD is its password.")
        {
            port, data, redis, endWithInput,
        };
        command.Hidden = true;
        return command.Runs(async (parsed, output, cancellation) =>
        {
            string? password = Environment.GetEnvironmentVariable(SiloSettings.RedisPasswordVariable);
            using ParentWatch? parent = parsed.GetValue(endWithInput) ? ParentWatch.Begin() : null;
            using SecondSignal second = SecondSignal.EndsAtOnce();

            // A terminal's Ctrl-C goes to all processes; silos still want to say that they leave, so whoever started this one says when it ends.
            int chosen = parsed.GetValue(port) ?? FreePorts.Take(1)[0];
            string folder = parsed.GetRequiredValue(data);
            CancellationToken gone = parent?.Gone ?? default, ending = parent is null ? cancellation : default;
            if (parsed.GetValue(redis))
            {
                return await RedisStore.RunAsync(chosen, folder, password, output.Out, gone, ending);
            }

            await LocalStore.RunAsync(chosen, folder, password, output.Out, gone, ending);
            return ExitCode.Done;
        });
    }
}

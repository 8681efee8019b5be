using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Experts;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Models;
using MoEActors.Placement;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Training;

/// <summary>
/// Opens an epoch: roll-call, map, push of the map to every silo, order to the members, roll-call again, and activation of every expert and
/// gate grain where the map says. O(workers + shards) calls, once per epoch.
/// </summary>
internal sealed class EpochOpening(IGrainFactory grains, ISiloStatusOracle silos, Members members, Reign reign, string model)
{
    /// <summary>Opens the next epoch.</summary>
    /// <param name="run">The run.</param>
    /// <param name="wanted">A placement wished for; null for the static one.</param>
    /// <exception cref="PlacementRefusedException">The placement cannot work.</exception>
    /// <exception cref="EpochFailedException">A member failed on the way.</exception>
    public async Task<EpochOutcome> OpenAsync(RunConfiguration run, PlacementRequest? wanted)
    {
        RunRecord record = reign.Record;
        long epoch = record.Epoch + 1;
        PlacementMap map = await PlaceAsync(run, wanted, epoch);
        var message = PlacementMapMessage.From(map);
        await reign.WriteAsync(record with { Epoch = epoch, Map = message });

        // Every silo answers placement from its own memory, those outside the epoch too: a call may start anywhere.
        await Task.WhenAll(silos.GetActiveSilos().Select(silo => members.InstallMapAsync(silo.ToParsableString(), message)));
        members.Enter(epoch, map);
        await members.RunAsync((_, number) => new OpenEpochOrder
        {
            Model = model,
            Term = reign.Term,
            Epoch = epoch,
            Number = number,
            Configuration = record.Configuration,
            Map = message,
            Version = record.Step,
        });
        await CheckRollAsync(map, record.Step);
        await ActivateAsync(run, map, record.Step);
        return new EpochOutcome { Epoch = epoch, Workers = map.Workers.Length, Step = record.Step };
    }

    private async Task<PlacementMap> PlaceAsync(RunConfiguration run, PlacementRequest? wanted, long epoch)
    {
        Dictionary<string, SiloAddress> alive = [];
        foreach (SiloAddress silo in silos.GetActiveSilos())
        {
            alive[silos.TryGetSiloName(silo, out string? name) && name is not null ? name : silo.ToParsableString()] = silo;
        }

        string[] names = wanted is { Silos.Length: > 0 } ? wanted.Silos : [.. alive.Keys.Order(StringComparer.Ordinal)];
        List<WorkerId> workers = [];
        foreach (string name in names)
        {
            if (!alive.TryGetValue(name, out SiloAddress? silo))
            {
                throw new PlacementRefusedException(
                    $"The placement names silo '{name}', which is not alive; alive are {string.Join(", ", alive.Keys.Order(StringComparer.Ordinal))}.");
            }

            string address = silo.ToParsableString();
            HostRoll roll = await members.CallRollAsync(address);
            workers.AddRange(Enumerable.Range(0, roll.Devices).Select(device => new WorkerId(address, device)));
        }

        try
        {
            PlacementMap map = wanted is { Ranks.Length: > 0 }
                ? new PlacementMap(epoch, workers, wanted.Ranks)
                : StaticPlanner.Plan(epoch, workers, run.Model.Experts);
            map.ValidateAgainst(run.Model.Experts);
            return map;
        }
        catch (PlacementException e)
        {
            throw new PlacementRefusedException(e.Message);
        }
    }

    private async Task CheckRollAsync(PlacementMap map, long step)
    {
        foreach (string silo in members.Silos)
        {
            HostRoll roll = await members.CallRollAsync(silo);
            if (roll.Version != step)
            {
                throw new EpochFailedException($"Silo {silo} is at step {roll.Version} of model '{model}', the epoch at {step}.");
            }

            foreach (ShardId shard in map.Shards)
            {
                WorkerId worker = map.WorkerOf(shard);
                if (worker.Silo == silo && !roll.Shards[worker.Device].Contains(shard.ToString()))
                {
                    throw new EpochFailedException($"Shard {shard} of model '{model}' is not in the table of worker {worker}.");
                }
            }
        }
    }

    private async Task ActivateAsync(RunConfiguration run, PlacementMap map, long step)
    {
        await Task.WhenAll(map.Shards.Select(async shard =>
        {
            ExpertStatus status = await grains.GetGrain<IExpertGrain>(GrainKeys.Expert(model, shard)).GetStatusAsync();
            var found = new WorkerId(status.Silo, status.Device);
            if (found != map.WorkerOf(shard) || status.Version != step)
            {
                throw new EpochFailedException(
                    $"The grain of shard {shard} speaks for worker {found} at step {status.Version}; the epoch has it on {map.WorkerOf(shard)} at {step}.");
            }
        }));
        await Task.WhenAll(
            from layer in run.Model.MoELayers
            from rank in Enumerable.Range(0, map.Workers.Length)
            select grains.GetGrain<IGateGrain>(GrainKeys.Gate(model, layer, rank)).GetStatusAsync());
    }
}

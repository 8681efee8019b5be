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
        await DismissAsync(run, map, record.Map);
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
        Dictionary<string, HostRoll> rolls = [];
        foreach (string name in names)
        {
            if (!alive.TryGetValue(name, out SiloAddress? silo))
            {
                throw new PlacementRefusedException(
                    $"The placement names silo '{name}', which is not alive; alive are {string.Join(", ", alive.Keys.Order(StringComparer.Ordinal))}.");
            }

            string address = silo.ToParsableString();
            HostRoll roll = await members.CallRollAsync(address);
            rolls[address] = roll;
            workers.AddRange(Enumerable.Range(0, roll.Devices).Select(device => new WorkerId(address, device)));
        }

        try
        {
            PlacementMap map = wanted is { Ranks.Length: > 0 }
                ? new PlacementMap(epoch, workers, wanted.Ranks)
                : StaticPlanner.Plan(epoch, workers, run.Model.Experts);
            map.ValidateAgainst(run.Model.Experts);
            RefuseMoves(map, rolls);
            return map;
        }
        catch (PlacementException e)
        {
            throw new PlacementRefusedException(e.Message);
        }
    }

    /// <summary>Before the first step every shard is as its seed makes it, anywhere. Later it must be where it is placed.</summary>
    private void RefuseMoves(PlacementMap map, Dictionary<string, HostRoll> rolls)
    {
        long step = reign.Record.Step;
        if (step == 0)
        {
            return;
        }

        foreach ((string silo, HostRoll roll) in rolls)
        {
            if (roll.Version != step)
            {
                throw new PlacementException($"Silo {silo} does not hold model '{model}' at step {step}: after the first step only its members can go on.");
            }
        }

        foreach (ShardId shard in map.Shards)
        {
            WorkerId worker = map.WorkerOf(shard);
            if (!rolls[worker.Silo].Shards[worker.Device].Contains(shard.ToString()))
            {
                throw new PlacementException($"Shard {shard} is placed on worker {worker} but lives elsewhere: after the first step shards stay where they are.");
            }
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
            ExpertStatus status = await InPlaceAsync(grains.GetGrain<IExpertGrain>(GrainKeys.Expert(model, shard)).GetStatusAsync);
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
            select InPlaceAsync(grains.GetGrain<IGateGrain>(GrainKeys.Gate(model, layer, rank)).GetStatusAsync));
    }

    /// <summary>Tells the gates of ranks that are no more, which would otherwise stay.</summary>
    private async Task DismissAsync(RunConfiguration run, PlacementMap map, PlacementMapMessage? before) =>
        await Task.WhenAll(
            from layer in run.Model.MoELayers
            from rank in Enumerable.Range(map.Workers.Length, Math.Max(0, (before?.Silos.Length ?? 0) - map.Workers.Length))
            select DismissAsync(grains.GetGrain<IGateGrain>(GrainKeys.Gate(model, layer, rank))));

    private static async Task DismissAsync(IGateGrain gate)
    {
        try
        {
            await gate.GetStatusAsync();
        }
        catch (Exception e) when (e is PlacementRefusedException or SiloUnavailableException)
        {
            // It is on its way, or was not there.
        }
    }

    /// <summary>An activation that an earlier epoch left elsewhere refuses and goes; the next call makes one where the map says.</summary>
    private static async Task<T> InPlaceAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (PlacementRefusedException)
        {
            return await call();
        }
    }
}

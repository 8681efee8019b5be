using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Grains.Memory;
using MoEActors.Modules.Models;
using MoEActors.Placement.Map;
using MoEActors.Placement.Planners;

namespace MoEActors.Grains.Training;

/// <summary>
/// Opens epochs of new members, with every shard where the roll-call found it: the map is written down and pushed to every silo, the members
/// wire themselves, a roll-call confirms it, and grains are activated. Then the placement changes to the one wished for, as among members
/// that stay.
/// </summary>
internal sealed class EpochOpening(
    SiloNames silos, Members members, CommitProtocol commits, SwitchProtocol switching, GrainActivation activation, Reign reign, MemoryCheck memory,
    RunConfiguration run, string model)
{
    /// <summary>Opens the next epoch, unless the one that is open is the one wished for.</summary>
    /// <param name="wanted">A placement wished for; null for the static one.</param>
    /// <exception cref="PlacementRefusedException">The placement cannot work.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; an epoch that is open goes on.</exception>
    /// <exception cref="EpochFailedException">A member failed on the way.</exception>
    /// <exception cref="MoveFailedException">An epoch is open, but experts could not be moved to where the wish has them.</exception>
    public async Task OpenAsync(PlacementRequest? wanted)
    {
        try
        {
            Survey survey = await Survey.CallAsync(members, silos.Addresses(wanted?.Silos ?? []));
            PlacementMap wish = Wish(wanted, survey);
            PlacementMap found = ComesIntoBeing(survey) ? wish : Found(survey, wish);
            if (members.Map is not { } open || !open.IsPlacedAs(found))
            {
                // With every shard where it is: there must be members to copy through.
                await memory.RequireAsync(found, before: null);
                await OpenAsync(found);
            }

            await switching.RunAsync(wish);
        }
        catch (PlacementException e)
        {
            throw new PlacementRefusedException(e.Message);
        }
    }

    private PlacementMap Wish(PlacementRequest? wanted, Survey survey)
    {
        long version = reign.Record.Epoch + 1;
        PlacementMap map = wanted is { Ranks.Length: > 0 }
            ? PlacementMap.OfReplicas(version, survey.Workers, wanted.Ranks)
            : StaticPlanner.Plan(version, survey.Workers, run.Model.Experts);
        map.ValidateAgainst(run.Model.Experts);
        return map;
    }

    /// <summary>Whether every shard is made anew wherever it is placed: from the seed, or from a checkpoint that no worker has loaded yet.</summary>
    private bool ComesIntoBeing(Survey survey) =>
        reign.Record.Step == 0
        || (reign.Record.CheckpointStep == reign.Record.Step && reign.Record.Checkpoint is not null
            && survey.Rolls.All(entry => entry.Roll.Version != reign.Record.Step));

    /// <summary>After the first step every member must have been one before: dense parameters are not copied to newcomers.</summary>
    private PlacementMap Found(Survey survey, PlacementMap wish)
    {
        long step = reign.Record.Step;
        foreach ((string silo, HostRoll roll) in survey.Rolls)
        {
            if (roll.Version != step)
            {
                throw new PlacementException(
                    $"Silo {silo} does not hold model '{model}' at step {step}: after the first step only its members can go on.");
            }
        }

        return survey.AsFound(wish, reign.Record.Map!.ToMap());
    }

    private async Task OpenAsync(PlacementMap placement)
    {
        long epoch = reign.Record.Epoch + 1;
        long step = reign.Record.Step;
        PlacementMapMessage? recorded = reign.Record.Map;
        var map = placement.At(epoch);
        var message = PlacementMapMessage.From(map);
        await reign.WriteAsync(reign.Record with { Epoch = epoch, Map = message });

        await commits.PushAsync(message);
        members.Enter(epoch, map);
        await members.RunAsync(new OpenEpochOrder
        {
            Configuration = reign.Record.Configuration,
            Map = message,
            Version = step,
            Checkpoint = reign.Record.CheckpointStep == step ? reign.Record.Checkpoint : null,
            Gates = reign.Record.Gates,
        });
        await ConfirmAsync(map, step);
        await activation.ActivateAsync(map, step);
        await activation.DismissAsync(map, recorded);
    }

    private async Task ConfirmAsync(PlacementMap map, long step)
    {
        Survey survey = await Survey.CallAsync(members, members.Silos);
        foreach ((string silo, HostRoll roll) in survey.Rolls)
        {
            if (roll.Version != step)
            {
                throw new EpochFailedException($"Silo {silo} is at step {roll.Version} of model '{model}', the epoch at {step}.");
            }
        }

        foreach (ShardId shard in map.Shards)
        {
            WorkerId worker = map.WorkerOf(shard);
            if (!survey.Holds(worker, shard.ExpertId))
            {
                throw new EpochFailedException($"Shard {shard} of model '{model}' is not in the table of worker {worker}.");
            }
        }
    }
}

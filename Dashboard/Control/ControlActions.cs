using System.Globalization;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Modules.Gates;

namespace MoEActors.Dashboard.Control;

/// <summary>What can be changed, each with a sentence about what has been.</summary>
/// <param name="cluster">The cluster.</param>
internal sealed class ControlActions(MoECluster cluster)
{
    /// <summary>Gives a layer another routing policy.</summary>
    public async Task<string> ConfigureGateAsync(string name, int layer, GateRequest request, CancellationToken cancellation)
    {
        Require(request is not { TopK: null, CapacityFactor: null }, "Say topK, capacityFactor, or both.");
        MoEModel model = await cluster.AttachModelAsync(name, cancellation);
        GatePolicy policy = await model.ConfigureGateAsync(
            layer, gate => gate with { TopK = request.TopK ?? gate.TopK, CapacityFactor = request.CapacityFactor ?? gate.CapacityFactor }, cancellation);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"The gate of layer {layer} of {name} sends a token to {policy.Options.TopK} of its experts, with capacity factor {policy.Options.CapacityFactor}, from step {policy.FromStep} on.");
    }

    /// <summary>Gives a model's director other settings.</summary>
    public async Task<string> DirectAsync(string name, DirectorRequest request, CancellationToken cancellation)
    {
        MoEModel model = await cluster.AttachModelAsync(name, cancellation);
        if (request.On == false)
        {
            Require(!request.SaysMore, "A director that is off has no settings.");
            await model.SetDirectorAsync(null, cancellation);
            return $"The director of {name} is off: experts stay where they are.";
        }

        Require(request.On == true || request.SaysMore, "Say what to change.");
        DirectorSettings? before = (await model.GetStatusAsync(cancellation)).Director;
        Require(before is not null || request.On == true, $"The director of '{name}' is off; turn it on with \"on\": true.");
        DirectorSettings now = before ?? new DirectorSettings();
        now = now with
        {
            Paused = request.Paused ?? now.Paused,
            Policy = request.Policy ?? now.Policy,
            Every = request.Every ?? now.Every,
            Trigger = request.Trigger ?? now.Trigger,
            HorizonSteps = request.HorizonSteps ?? now.HorizonSteps,
            CoolDownSteps = request.CoolDownSteps ?? now.CoolDownSteps,
            BytesPerStep = request.BytesPerStep ?? now.BytesPerStep,
        };
        await model.SetDirectorAsync(now, cancellation);
        return now.Paused ? $"The director of {name} is paused: it watches, and plans nothing."
            : string.Create(CultureInfo.InvariantCulture, $"The director of {name} plans by the policy {now.Policy}, every {now.Every} steps, above a balance ratio of {now.Trigger:0.00}.");
    }

    /// <summary>Moves an expert.</summary>
    public async Task<string> MoveAsync(string name, MoveExpertRequest request, CancellationToken cancellation)
    {
        MoEModel model = await cluster.AttachModelAsync(name, cancellation);
        await model.MoveExpertAsync(request.Layer, request.Expert, request.Rank, cancellation);
        string[] silos = (await model.GetStatusAsync(cancellation)).SiloNames;
        return $"Expert {request.Expert} of layer {request.Layer} of {name} is on rank {request.Rank}{(request.Rank < silos.Length ? $", {silos[request.Rank]}" : "")}.";
    }

    /// <summary>Takes a snapshot of a model.</summary>
    public async Task<string> SnapshotAsync(string name, CancellationToken cancellation)
    {
        MoEModel model = await cluster.AttachModelAsync(name, cancellation);
        long step = await model.SnapshotAsync(cancellation);
        return string.Create(CultureInfo.InvariantCulture, $"There is a snapshot of {name} at step {step}.");
    }

    /// <summary>Has no model use a silo any more, or lets all use it again.</summary>
    public async Task<string> DrainAsync(string silo, bool drained, CancellationToken cancellation)
    {
        SiloSummary[] silos = await cluster.ListSilosAsync(cancellation);
        Require(silos.Any(one => one.Name == silo && one.State is SiloState.Active), $"There is no silo '{silo}' that is alive.");
        List<string> done = [];
        foreach (ModelSummary summary in await cluster.ListModelsAsync(cancellation))
        {
            try
            {
                MoEModel model = await cluster.AttachModelAsync(summary.Name, cancellation);
                await (drained ? model.DrainAsync(silo, cancellation) : model.UndrainAsync(silo, cancellation));
                done.Add(summary.Name);
            }
            catch (ModelNotFoundException)
            {
                // It has been deleted meanwhile.
            }
            catch (MoEException e) when (done.Count > 0)
            {
                throw new PlacementRefusedException($"{summary.Name}: {e.Message} Done for {string.Join(", ", done)}; ask again for the rest.");
            }
        }

        Require(done.Count > 0, "There is no model.");
        return drained
            ? $"Silo {silo} has no expert any more of {string.Join(", ", done)}, and takes no part in steps."
            : $"Silo {silo} takes part in {string.Join(", ", done)} again, from the next step on.";
    }

    private static void Require(bool isSo, string otherwise)
    {
        if (!isSo)
        {
            throw new InvalidRequestException(otherwise);
        }
    }
}

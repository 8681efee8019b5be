using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Gates;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Models;

namespace MoEActors.Grains.Training;

/// <summary>
/// The routing policies of a run, changed between two steps. Every member takes a change before it is written down: what a gate refuses, or a
/// member does not hear, never was. A coordinator that goes on in an epoch tells the members what is written down, whatever they had been told.
/// </summary>
internal sealed class GatePolicies(Members members, Reign reign, RunConfiguration run)
{
    /// <summary>Throws unless a layer can route so.</summary>
    /// <exception cref="InvalidRequestException">There is no such gate, or with every mistake.</exception>
    public static void Check(ConfigureGateRequest request, RunConfiguration run)
    {
        string[] mistakes = [.. run.Model.ErrorsOf(new GatePolicy(request.Layer, 1, Read(request.Options)))];
        if (mistakes.Length > 0)
        {
            throw Refused(request.Layer, string.Join(" ", mistakes));
        }
    }

    /// <summary>Replaces the policy of a layer on every member, from the next step on.</summary>
    /// <returns>The policy in force: not the one wished for, where the wish was made from another than was in force.</returns>
    /// <exception cref="InvalidRequestException">A gate refuses; the old policy stays.</exception>
    /// <exception cref="EpochFailedException">A member failed; the old policy stays.</exception>
    public async Task<GateOutcome> ChangeAsync(ConfigureGateRequest request)
    {
        GatePolicyMessage now = InForce(request.Layer);
        GateOptions current = Read(now.Options);
        GateOptions wanted = Read(request.Options);
        if (current == wanted || current != Read(request.From))
        {
            return new GateOutcome { Policy = now };
        }

        var next = new GatePolicyMessage(request.Layer, reign.Record.Step + 1, wanted.ToJson());
        GatePolicyMessage[] table =
            [.. reign.Record.Gates.Where(policy => policy.Layer != next.Layer).Append(next).OrderBy(policy => policy.Layer)];
        IReadOnlyList<WorkerReport> reports = await members.RunAsync(new GateOrder { Gates = table });
        if (reports.FirstOrDefault(report => report.Complaint is not null) is { } refused)
        {
            await RenewAsync();
            throw Refused(request.Layer, refused.Complaint!);
        }

        await reign.WriteAsync(reign.Record with { Gates = table });
        return new GateOutcome { Policy = next };
    }

    /// <summary>Tells the members which policies hold.</summary>
    public Task RenewAsync() => members.SendAsync(new GateOrder { Gates = reign.Record.Gates });

    private GatePolicyMessage InForce(int layer) =>
        reign.Record.Gates.FirstOrDefault(policy => policy.Layer == layer) ?? new GatePolicyMessage(layer, 1, run.Model.Gate.ToJson());

    private static GateOptions Read(string json)
    {
        try
        {
            return GateOptions.FromJson(json);
        }
        catch (FormatException e)
        {
            throw new InvalidRequestException(e.Message);
        }
    }

    private static InvalidRequestException Refused(int layer, string mistakes) => new($"The gate of layer {layer} cannot be configured so: {mistakes}");
}

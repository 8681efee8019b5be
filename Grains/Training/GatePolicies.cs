using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Modules.Gates;

namespace MoEActors.Grains.Training;

/// <summary>
/// The routing policies of a run, changed between two steps. Every member takes a change before it is written down: what a gate refuses, or a
/// member does not get, never was. A coordinator that goes on in a view tells the members what is written down, whatever they had been told.
/// </summary>
internal sealed class GatePolicies(Members members, CoordinatorTerm term, RunConfiguration run, RunEvents events)
{
    /// <summary>Throws unless a layer can route so.</summary>
    /// <exception cref="InvalidRequestException">There is no such gate, or with every mistake.</exception>
    public static void Check(ConfigureGateRequest request, RunConfiguration run)
    {
        string[] errors = [.. run.Model.ErrorsOf(new GatePolicy(request.Layer, 1, request.Options))];
        if (errors.Length > 0)
        {
            throw Refused(request.Layer, string.Join(" ", errors));
        }
    }

    /// <summary>Replaces the policy of a layer on every member, from the next step on.</summary>
    /// <returns>The policy in force: not the one wished for, where the wish was made from another than was in force.</returns>
    /// <exception cref="InvalidRequestException">A gate refuses; the old policy stays.</exception>
    /// <exception cref="ViewFailedException">A member failed; the old policy stays.</exception>
    public async Task<GateOutcome> ChangeAsync(ConfigureGateRequest request)
    {
        GatePolicy now = InForce(request.Layer);
        GateOptions wanted = request.Options;
        if (now.Options == wanted || now.Options != request.From)
        {
            return new GateOutcome(now);
        }

        var next = new GatePolicy(request.Layer, term.Record.Step + 1, wanted);
        GatePolicy[] table =
            [.. term.Record.Gates.Where(policy => policy.Layer != next.Layer).Append(next).OrderBy(policy => policy.Layer)];
        IReadOnlyList<GatesReport> reports = await members.RunAsync(new ConfigureGatesCommand(table));
        if (reports.FirstOrDefault(report => report.Error is not null) is { } refused)
        {
            await RenewAsync();
            throw Refused(request.Layer, refused.Error!);
        }

        await term.WriteAsync(term.Record with { Gates = table, PastGates = Past(term.Record) });
        events.GateChanged(next);
        return new GateOutcome(next);
    }

    /// <summary>The policies that were in force when a step was learnt, of the layers that did not route as the run began.</summary>
    public static GatePolicy[] At(RunRecord record, long step) =>
    [
        .. record.PastGates.Concat(record.Gates).Where(policy => policy.FromStep <= step)
            .GroupBy(policy => policy.Layer).Select(policies => policies.Last()).OrderBy(policy => policy.Layer),
    ];

    /// <summary>Tells the members which policies hold.</summary>
    public Task RenewAsync() => members.SendAsync(new ConfigureGatesCommand(term.Record.Gates));

    /// <summary>All policies up to now that steps which may have to be learnt again were learnt by.</summary>
    private static GatePolicy[] Past(RunRecord record)
    {
        long first = record.LoggedFrom + 1;
        GatePolicy[] all = [.. record.PastGates, .. record.Gates.Except(record.PastGates)];
        return [.. all.Where((policy, place) => !all.Skip(place + 1).Any(later => later.Layer == policy.Layer && later.FromStep <= first))];
    }

    private GatePolicy InForce(int layer) =>
        term.Record.Gates.FirstOrDefault(policy => policy.Layer == layer) ?? new GatePolicy(layer, 1, run.Model.Gate);

    private static InvalidRequestException Refused(int layer, string errors) => new($"The gate of layer {layer} cannot be configured so: {errors}");
}

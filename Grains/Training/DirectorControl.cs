using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Costs;

namespace MoEActors.Grains.Training;

/// <summary>How the director is to follow the load, and what it must know of the members for that.</summary>
internal sealed class DirectorControl(Members members, CoordinatorTerm term, RunEvents events)
{
    /// <summary>Writes down the director's settings, and measures what the members compute and send unless that is known.</summary>
    /// <exception cref="ViewFailedException">A member failed; the old settings stay.</exception>
    public async Task<DirectOutcome> ChangeAsync(DirectRequest request)
    {
        ClusterCalibration? calibration = request.Settings is null ? term.Record.Calibration : await CalibrationAsync();
        await term.WriteAsync(term.Record with
        {
            Director = request.Settings,
            DirectorRevision = term.Record.DirectorRevision + 1,
            Calibration = calibration,
        });
        events.DirectorChanged(request.Settings);
        return new DirectOutcome(calibration);
    }

    /// <summary>What the members compute and send: measured once for the cluster, as its machines stay what they are. Whoever asks writes it down.</summary>
    /// <exception cref="ViewFailedException">A member failed.</exception>
    public async Task<ClusterCalibration> CalibrationAsync()
    {
        if (term.Record.Calibration is { } known)
        {
            return known;
        }

        IReadOnlyList<CalibrateReport> reports = await members.RunAsync(new CalibrateCommand());
        events.Calibrated(reports[0].Calibration);
        return reports[0].Calibration;
    }
}

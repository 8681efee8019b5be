using MoEActors.Grains.Interfaces.Director;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Training;

/// <summary>How the director is to follow the load, and what it must know of the members for that.</summary>
internal sealed class Direction(Members members, Reign reign)
{
    /// <summary>Writes down the director's settings, and measures what the members compute and send unless that is known.</summary>
    /// <exception cref="EpochFailedException">A member failed; the old settings stay.</exception>
    public async Task<DirectOutcome> ChangeAsync(DirectRequest request)
    {
        // Once for the cluster: its machines stay what they are.
        ClusterCalibration? calibration = reign.Record.Calibration;
        if (request.Settings is not null)
        {
            calibration ??= await CalibrateAsync();
        }

        await reign.WriteAsync(reign.Record with
        {
            Director = request.Settings,
            DirectorRevision = reign.Record.DirectorRevision + 1,
            Calibration = calibration,
        });
        return new DirectOutcome { Calibration = calibration };
    }

    private async Task<ClusterCalibration> CalibrateAsync()
    {
        IReadOnlyList<WorkerReport> reports = await members.RunAsync(new CalibrateOrder());
        return reports[0].Calibration!;
    }
}

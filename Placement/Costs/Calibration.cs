using System.Collections.Immutable;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Costs;

/// <summary>What a cluster has been measured to do. Links' bandwidths are the topology's.</summary>
public sealed record Calibration
{
    /// <summary>Keeps measured times of one expert's forward pass.</summary>
    /// <param name="forward">Rows and seconds, ascending in rows, the first above 0 rows.</param>
    /// <exception cref="PlacementException">There is no point, or the points do not ascend.</exception>
    public Calibration(IReadOnlyList<ComputePoint> forward)
    {
        long rows = 0;
        foreach (ComputePoint point in forward)
        {
            if (point.Rows <= rows || !(point.Seconds > 0) || double.IsInfinity(point.Seconds))
            {
                throw new PlacementException(
                    $"The calibration has {point.Seconds:G4} s for {point.Rows} rows after {rows} rows; rows must ascend and times be above 0.");
            }

            rows = point.Rows;
        }

        Forward = forward.Count > 0 ? [.. forward] : throw new PlacementException("The calibration has no measured forward time.");
    }

    /// <summary>Measured times of one expert's forward pass, ascending in rows.</summary>
    public ImmutableArray<ComputePoint> Forward { get; }

    /// <summary>Seconds of one expert's forward pass: straight lines between the points, proportional beyond them, 0 for no row. O(points).</summary>
    public double ForwardSeconds(long rows)
    {
        if (rows == 0)
        {
            return 0;
        }

        ComputePoint last = Forward[^1];
        if (rows >= last.Rows)
        {
            return last.Seconds * rows / last.Rows;
        }

        ComputePoint below = default;
        foreach (ComputePoint point in Forward)
        {
            if (point.Rows >= rows)
            {
                return below.Seconds + ((point.Seconds - below.Seconds) * (rows - below.Rows) / (point.Rows - below.Rows));
            }

            below = point;
        }

        return last.Seconds;
    }
}

/// <summary>One measurement of an expert's forward pass.</summary>
/// <param name="Rows">Rows of the batch.</param>
/// <param name="Seconds">Time, in seconds.</param>
public readonly record struct ComputePoint(long Rows, double Seconds);

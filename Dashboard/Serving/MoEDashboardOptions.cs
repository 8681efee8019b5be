using System.ComponentModel.DataAnnotations;

namespace MoEActors.Dashboard.Serving;

/// <summary>How a dashboard is served. Bound from the section <c>MoEDashboard</c> of the host's configuration.</summary>
public sealed class MoEDashboardOptions
{
    /// <summary>Section of the configuration.</summary>
    public const string Section = "MoEDashboard";

    /// <summary>Viewers at a time; one more is refused with 503. Each costs a connection and what he is being sent.</summary>
    [Range(1, 10_000)]
    public int MostViewers { get; set; } = 100;

    /// <summary>How long a viewer may take to read what he is sent, before he is dropped.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

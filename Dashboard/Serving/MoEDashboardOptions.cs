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

    /// <summary>
    /// What somebody must bring to change anything: 16 characters of ASCII at least, none of them a space. Without it nothing can be changed. It belongs where secrets are,
    /// in the environment or a secret store.
    /// </summary>
    [RegularExpression("[!-~]{16,512}", ErrorMessage = "The control token must be of 16 to 512 characters of ASCII, none of them a space.")]
    public string? ControlToken { get; set; }
}

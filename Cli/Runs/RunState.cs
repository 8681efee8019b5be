using System.Text.Json.Serialization;

namespace MoEActors.Cli.Runs;

/// <summary>How far a run has come.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunState>))]
internal enum RunState
{
    /// <summary>At work.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>At its end.</summary>
    [JsonStringEnumMemberName("done")]
    Done,

    /// <summary>Ended by an error.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Stopped by its user.</summary>
    [JsonStringEnumMemberName("cancelled")]
    Cancelled,
}

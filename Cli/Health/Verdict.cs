using System.Text.Json.Serialization;

namespace MoEActors.Cli.Health;

/// <summary>What a finding means.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("good")]
    Good,

    /// <summary>Everything works, something slower or less comfortably than it could.</summary>
    [JsonStringEnumMemberName("remark")]
    Remark,

    /// <summary>Training will fail or hardly move.</summary>
    [JsonStringEnumMemberName("problem")]
    Problem,
}

using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using MoEActors.Placement.Map;

namespace MoEActors.Placement.Parallelism;

/// <summary>What travels in the layers of a run, and what was measured of it: what a checkpoint keeps, so that a run that goes on from it need not try anew.</summary>
/// <param name="Layers">By layer: what travels; empty where rows do in all of them.</param>
/// <param name="Tuned">The layers in which measured times choose.</param>
/// <param name="Workers">The number of workers that the times were measured with.</param>
/// <param name="Tuners">By number of experts of a layer: what its tuner knows.</param>
public sealed record SavedParallelism(
    ImmutableArray<ParallelismChoice> Layers, ImmutableArray<int> Tuned, int Workers, ImmutableSortedDictionary<int, TunerState> Tuners)
{
    private static readonly JsonStringEnumConverter Words = new(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { Words, new ChoiceConverter() },
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>As JSON, of one object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> has written.</summary>
    /// <param name="text">The text.</param>
    /// <param name="experts">By layer of the model: its experts; 0 for a dense layer.</param>
    /// <exception cref="FormatException">It is no such text, or says what cannot be.</exception>
    public static SavedParallelism Parse(string text, IReadOnlyList<int> experts)
    {
        SavedParallelism saved;
        try
        {
            saved = JsonSerializer.Deserialize<SavedParallelism>(text, Json) ?? throw new FormatException("its parallelism is null");
        }
        catch (JsonException e)
        {
            throw new FormatException($"its parallelism cannot be read: {e.Message.TrimEnd('.')}", e);
        }

        Require(!saved.Layers.IsDefault && (saved.Layers.IsEmpty || saved.Layers.Length == experts.Count), $"what travels in {experts.Count} layers");
        Require(
            !saved.Tuned.IsDefault && saved.Tuned.All(layer => layer >= 0 && layer < saved.Layers.Length && experts[layer] > 0), "layers with experts that are tuned");
        Require(saved.Layers.All(IsSound), "a choice that there is");
        Require(saved.Workers >= 0 && saved.Tuners is not null && saved.Tuners.Keys.All(experts.Contains), "tuners of its own layers");
        Require(saved.Tuners!.Values.All(IsSound), "times that can have been measured");
        return saved;
    }

    private static bool IsSound(TunerState state) =>
        !state.Measured.IsDefault && double.IsFinite(state.Seconds) && state.Seconds >= 0 && double.IsFinite(state.Explored) && state.Explored >= 0
        && state.Measured.All(one => one.Bucket > 0 && one.Count > 0 && double.IsFinite(one.LogSeconds) && IsSound(one.Choice));

    private static bool IsSound(ParallelismChoice choice) => choice.Slices >= 0 && choice.Overlap > 0 && Enum.IsDefined(choice.Exchange);

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new FormatException($"its parallelism does not say {what}");
        }
    }

    /// <summary>A choice in full, or in the word of <see cref="LayerParallelism"/> that says all of it.</summary>
    private sealed class ChoiceConverter : JsonConverter<ParallelismChoice>
    {
        private static readonly JsonSerializerOptions Full = new(JsonSerializerDefaults.General)
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            Converters = { Words },
            IgnoreReadOnlyProperties = true,
            RespectRequiredConstructorParameters = true,
        };

        public override ParallelismChoice Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType == JsonTokenType.String
            ? JsonSerializer.Deserialize<LayerParallelism>(ref reader, Full)
            : JsonSerializer.Deserialize<ParallelismChoice>(ref reader, Full);

        public override void Write(Utf8JsonWriter writer, ParallelismChoice value, JsonSerializerOptions options)
        {
            if (value == ParallelismChoice.Of(value.Travels))
            {
                JsonSerializer.Serialize(writer, value.Travels, Full);
            }
            else
            {
                JsonSerializer.Serialize(writer, value, Full);
            }
        }
    }
}

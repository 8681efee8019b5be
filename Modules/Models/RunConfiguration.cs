using System.Globalization;
using System.Text.Json;
using MoEActors.Modules.Kinds;
using MoEActors.Modules.Optimizers;

namespace MoEActors.Modules.Models;

/// <summary>A training run: the model, its optimizer, and the fixed number of micro-batches of a step.</summary>
public sealed record RunConfiguration
{
    /// <summary>The model.</summary>
    public ModelConfiguration Model { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Micro-batches of a step. Part of the run, not of the cluster: the result does not depend on the number of workers.</summary>
    public int MicroBatches { get; init; } = 8;

    /// <summary>
    /// Layers whose activations are dropped after forward and computed again in backward, see <see cref="LayerSelection"/>: less memory for about a
    /// third more computing. Results are the same to the last bit.
    /// </summary>
    public string Recompute { get; init; } = LayerSelection.None;

    /// <summary>
    /// Whether replicas of an expert take whole micro-batches, so that the result is the same, bit for bit, with replicas and without. Otherwise
    /// they share every micro-batch, which levels the load better and agrees to about 1e-5.
    /// </summary>
    public bool Reproducible { get; init; } = true;

    /// <summary>The configuration as JSON text: the form in which it travels and is stored.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ConfigurationJson.Options);

    /// <summary>Reads what <see cref="ToJson"/> wrote, and validates it.</summary>
    /// <param name="json">The text.</param>
    /// <param name="kinds">The kinds that its names refer to; the library's experts and gates unless given.</param>
    /// <exception cref="ModelConfigurationException">The text is no configuration, or one that cannot work.</exception>
    public static RunConfiguration FromJson(string json, ModelKinds? kinds = null)
    {
        RunConfiguration run = Parse(json).Using(kinds ?? ModelKinds.BuiltIn);
        run.Validate();
        return run;
    }

    /// <summary>Reads what <see cref="ToJson"/> wrote and takes it as it is: what its names stand for is not asked, and nothing is validated.</summary>
    /// <exception cref="ModelConfigurationException">The text is no configuration.</exception>
    public static RunConfiguration Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<RunConfiguration>(json, ConfigurationJson.Options)
                ?? throw new ModelConfigurationException(["The text is empty."]);
        }
        catch (JsonException e)
        {
            throw new ModelConfigurationException([ConfigurationJson.WordsOf(e)]);
        }
        catch (ArgumentException e)
        {
            // Half of a surrogate pair.
            throw new ModelConfigurationException([e.Message]);
        }
    }

    /// <summary>The same run with names that refer to these kinds.</summary>
    public RunConfiguration Using(ModelKinds kinds) => this with { Model = Model.Using(kinds) };

    /// <summary>Throws when the run cannot work.</summary>
    /// <exception cref="ModelConfigurationException">With every error, each naming its property.</exception>
    public void Validate() => Validate(Model.Errors());

    /// <summary>Throws when the run cannot work, however large its model is: an estimate counts what no worker could hold in one piece.</summary>
    /// <exception cref="ModelConfigurationException">With every error, each naming its property.</exception>
    public void ValidateForEstimate() => Validate(Model.ErrorsOfEstimate());

    private void Validate(IEnumerable<string> modelErrors)
    {
        List<string> errors = [.. modelErrors, .. Optimizer.Errors()];
        if (MicroBatches < 1)
        {
            errors.Add($"{nameof(MicroBatches)} is {MicroBatches}; it must be at least 1.");
        }

        if (Model.Backbone == Backbone.None && Recompute != LayerSelection.None)
        {
            errors.Add($"{nameof(Recompute)} is '{Recompute}'; a layer without a backbone keeps its activations until the gradients come: it must be none.");
        }
        else if (LayerSelection.Parse(Recompute, Model.Layers) is null)
        {
            errors.Add($"{nameof(Recompute)} is '{Recompute}'; it must be all, none, or layers from 0 to {Model.Layers - 1} such as 0,2-3.");
        }

        if (errors.Count > 0)
        {
            throw new ModelConfigurationException(errors);
        }
    }
}

/// <summary>Layers chosen by a text: <c>all</c>, <c>none</c>, or numbers and ranges from 0 such as <c>0,2-5</c>.</summary>
public static class LayerSelection
{
    /// <summary>Every layer.</summary>
    public const string All = "all";

    /// <summary>No layer.</summary>
    public const string None = "none";

    /// <summary>The layers that a text chooses; null when it is malformed or names a layer that does not exist.</summary>
    /// <param name="words">The text.</param>
    /// <param name="layers">Layers of the model.</param>
    public static bool[]? Parse(string words, int layers)
    {
        bool[] chosen = new bool[layers];
        if (words is All or None)
        {
            Array.Fill(chosen, words == All);
            return chosen;
        }

        foreach (string part in words.Split(','))
        {
            string[] ends = part.Split('-', 2);
            if (!Number(ends[0], layers, out int first) || !Number(ends[^1], layers, out int last) || last < first)
            {
                return null;
            }

            Array.Fill(chosen, true, first, last - first + 1);
        }

        return chosen;
    }

    private static bool Number(string word, int layers, out int number) =>
        int.TryParse(word, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out number) && number < layers;
}

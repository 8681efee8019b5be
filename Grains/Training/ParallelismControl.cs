using MoEActors.Grains.Cluster;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Parallelism;
using MoEActors.Grains.Telemetry;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;
using MoEActors.Placement.Quotas;

namespace MoEActors.Grains.Training;

/// <summary>
/// What travels in the layers of a run, rows or experts, chosen between two steps, by the caller or by what steps took. It comes to the members with each step; no parameter moves for
/// it, and no result of a reproducible run depends on it.
/// </summary>
internal sealed class ParallelismControl
{
    private readonly Members _members;
    private readonly CoordinatorTerm _term;
    private readonly DirectorControl _director;
    private readonly MemoryAdmission _memory;
    private readonly RunConfiguration _run;
    private readonly RunEvents _events;
    private readonly ParallelismTuning _tuning;
    private ParallelismChoice[] _last = [];
    private (PlacementMap Map, CopyCoefficients Costs)? _copies;

    public ParallelismControl(
        Members members, CoordinatorTerm term, DirectorControl director, MemoryAdmission memory, RunConfiguration run, RunEvents events)
    {
        (_members, _term, _director, _memory, _run, _events) = (members, term, director, memory, run, events);
        _tuning = new ParallelismTuning(run);
        if (term.Record.Tuning is { } learnt)
        {
            SavedParallelism saved = SavedParallelism.Parse(learnt, run.Model.Experts);
            _tuning.Recall(saved.Workers, saved.Tuners);
        }
    }

    /// <summary>What travels, by layer: in a layer that is tuned what did in the last step.</summary>
    public ParallelismChoice[] Layers
    {
        get
        {
            ParallelismChoice[] layers = [.. _term.Record.Parallelism];
            foreach (int layer in _term.Record.TunedLayers.Where(layer => layer < _last.Length))
            {
                layers[layer] = _last[layer];
            }

            return layers;
        }
    }

    /// <summary>Why layers that are tuned have what they have.</summary>
    public LayerTuning[] Reasons => [.. _term.Record.TunedLayers.Select(layer => new LayerTuning(layer, _tuning.Explain(layer) ?? "Nothing is measured yet."))];

    /// <summary>What a checkpoint is to say of it; null where rows travel in all layers.</summary>
    public SavedParallelism? Saved
    {
        get
        {
            RunRecord record = _term.Record;
            (int workers, var tuners) = _tuning.Memory;
            return record.Parallelism.Length == 0 ? null : new SavedParallelism([.. record.Parallelism], [.. record.TunedLayers], workers, tuners);
        }
    }

    /// <summary>Throws unless a layer can have what is asked for.</summary>
    /// <exception cref="InvalidRequestException">There is no such layer, or it has no experts; or there is no such choice in this run.</exception>
    public static void Check(int? layer, ParallelismChoice? parallelism, RunConfiguration run)
    {
        if (layer is { } one && !run.Model.MoELayers.Contains(one))
        {
            throw new InvalidRequestException($"Layer {one} has no experts; layers with experts are {string.Join(", ", run.Model.MoELayers)}.");
        }

        if (parallelism is { } chosen && EngineChoices.Refusal(chosen, run) is { } refusal)
        {
            throw new InvalidRequestException(refusal);
        }

        if (parallelism is null && run.Model.Backbone == Backbone.None)
        {
            throw new InvalidRequestException("A layer without a backbone cannot be tuned: its passes are called one by one. Choose what travels in it.");
        }
    }

    /// <summary>Changes it from the next step on.</summary>
    /// <param name="layer">The layer; null for all that have experts.</param>
    /// <param name="parallelism">What is to travel; null to have it chosen by what steps take.</param>
    /// <exception cref="InvalidRequestException">There are not so many workers as an expert is to have slices; nothing has changed.</exception>
    /// <exception cref="MemoryRefusedException">A worker has not the memory for it; nothing has changed.</exception>
    /// <exception cref="ViewFailedException">A member failed while it was measured what copies cost; nothing has changed.</exception>
    public async Task<ParallelismOutcome> ChangeAsync(int? layer, ParallelismChoice? parallelism)
    {
        int workers = _members.Map!.Workers.Length;
        if (parallelism is { Slices: > 1 } sliced && sliced.Slices > workers)
        {
            throw new InvalidRequestException($"r = {sliced.Slices} needs as many workers; there {(workers == 1 ? "is 1" : $"are {workers}")}.");
        }

        RunRecord record = _term.Record;
        ParallelismChoice[] layers = [.. Enumerable.Range(0, _run.Model.Layers).Select(each => ParallelismChoice.In(record.Parallelism, each))];
        int[] changed = layer is { } one ? [one] : [.. _run.Model.MoELayers];
        foreach (int each in changed)
        {
            // Of what a tuned layer may try, this needs the most memory; slices, where there may be any, are asked for beside it.
            layers[each] = parallelism ?? LayerParallelism.Data;
        }

        int[] tuned = [.. (parallelism is null ? record.TunedLayers.Union(changed) : record.TunedLayers.Except(changed)).Order()];
        if (!layers.AsSpan().SequenceEqual(record.Parallelism) || !tuned.AsSpan().SequenceEqual(record.TunedLayers))
        {
            await _memory.RequireAsync(_members.Map!, before: null, record with { Parallelism = layers, TunedLayers = tuned });
            ClusterCalibration? calibration =
                parallelism is null or { Copies: true } ? await _director.CalibrationAsync() : record.Calibration;
            await _term.WriteAsync(_term.Record with { Parallelism = layers, TunedLayers = tuned, Calibration = calibration });
            _events.ParallelismChanged(layer, parallelism);
        }

        return new ParallelismOutcome(layers, _term.Record.Step + 1) { TunedLayers = tuned };
    }

    /// <summary>Measures what the members compute and send where that is needed and not known: a run that goes on from a checkpoint is on other machines, perhaps.</summary>
    /// <exception cref="ViewFailedException">A member failed.</exception>
    public async Task MeasureAsync()
    {
        RunRecord record = _term.Record;
        if (record.Calibration is null && (record.TunedLayers.Length > 0 || record.Parallelism.Any(choice => choice.Copies)))
        {
            ClusterCalibration calibration = await _director.CalibrationAsync();
            await _term.WriteAsync(_term.Record with { Calibration = calibration });
        }
    }

    /// <summary>What travels in the step or pass that comes now. In a tuned layer it is chosen now.</summary>
    /// <param name="tokens">Tokens of the step.</param>
    /// <returns>By layer, what travels; and what transient copies cost and save in the open view, null where no layer has any.</returns>
    public (ParallelismChoice[] Layers, CopyCoefficients? Copies) Next(long tokens)
    {
        RunRecord record = _term.Record;
        ParallelismChoice[] layers = record.Parallelism;
        if (record.TunedLayers.Length > 0 && record.Calibration is { } calibration && _members.Map is { } map)
        {
            _tuning.Enter(map, calibration);
            layers = [.. layers];
            foreach (int layer in record.TunedLayers)
            {
                layers[layer] = _tuning.Choose(layer, tokens);
            }
        }

        _last = layers;
        return (layers, layers.Any(choice => choice.Copies) ? Copies() : null);
    }

    /// <summary>Learns from a step that was committed.</summary>
    public void Learn(StepOutcome outcome) => _tuning.Learn(outcome);

    private CopyCoefficients? Copies()
    {
        if (_term.Record.Calibration is not { } calibration || _members.Map is not { } map)
        {
            return null;
        }

        if (_copies is not { } known || known.Map != map)
        {
            CostModel costs = MeasuredCosts.Of(calibration, map, _run);
            _copies = known = (map, costs.CopyCoefficients(
                costs.Calibration.Forward[^1].Rows, weightsSent: _run.Recompute == LayerSelection.None ? 1 : 2, gradientPerSegment: true));
        }

        return known.Costs;
    }
}

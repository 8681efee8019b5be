using MoEActors.Modules.Parameters;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Parallelism;

namespace MoEActors.Grains.Parallelism;

/// <summary>Which ways to run a layer there are in a run: what workers can do, and what the run allows.</summary>
internal static class EngineChoices
{
    /// <summary>Why a layer cannot be run so, whatever the workers; null if it can.</summary>
    public static string? Refusal(ParallelismChoice choice, RunConfiguration run)
    {
        if (choice.Slices < 0 || (choice.Copies && choice.Slices != 1) || !Enum.IsDefined(choice.Exchange))
        {
            return $"There is no parallelism of {choice}: r is 0, 1 or more, copies go with r = 1, and rows cross hosts linearly or hierarchically.";
        }

        if (choice.Overlap != 1)
        {
            return $"Workers exchange rows in one chunk; {choice} is for the simulator.";
        }

        if (choice.Slices <= 1)
        {
            return null;
        }

        if (run.Reproducible)
        {
            return $"r = {choice.Slices} adds up partial outputs in another order than whole experts do, and this run is reproducible: leave r at 0 or 1, or begin a run that is not.";
        }

        int units = UnitsOf(run);
        return units == 0 ? $"Experts '{run.Model.Expert}' cannot be cut into {choice.Slices} slices: their tensors do not say where hidden units are (ParameterShape.Hidden)."
            : choice.Slices > units ? $"r = {choice.Slices} is more than the {units} hidden units of an expert."
            : null;
    }

    /// <summary>What may be chosen for a layer by what steps take.</summary>
    /// <param name="run">The run.</param>
    /// <param name="experts">Experts of the layer.</param>
    /// <param name="map">The workers. Those of a silo share a host.</param>
    public static PossibleChoices Of(RunConfiguration run, int experts, PlacementMap map) => new()
    {
        CanGather = true,
        CanCopy = true,
        MostSlices = run.Reproducible ? 1 : Math.Clamp(map.Workers.Length / experts, 1, Math.Max(1, UnitsOf(run))),
        Exchanges = map.Workers.Select(worker => worker.Silo).Distinct().Count() is int hosts && hosts > 1 && hosts < map.Workers.Length
            ? [AllToAll.Linear, AllToAll.Hierarchical]
            : [AllToAll.Linear],
    };

    private static int UnitsOf(RunConfiguration run) => SlicedLayout.UnitsOf(ModelLayout.Expert(run.Model));
}

using MoEActors.Grains.Interfaces.Training;
using Orleans.Concurrency;

namespace MoEActors.Grains.Durability;

/// <summary>Reads from the store which models there are.</summary>
[StatelessWorker(1)]
public sealed class ModelListGrain(IRunStore store) : Grain, IModelListGrain
{
    /// <inheritdoc />
    public async Task<ModelSummary[]> ListAsync()
    {
        List<ModelSummary> models = [];
        foreach (string name in (await store.ListAsync()).Order(StringComparer.Ordinal))
        {
            // One that was deleted meanwhile has no record any more.
            if (await store.ReadAsync(name) is { } record)
            {
                models.Add(new ModelSummary(name, record.Step, record.Configuration.Model.Backbone == Backbone.None, record.IsStopped));
            }
        }

        return [.. models];
    }
}

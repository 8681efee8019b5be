using MoEActors.Grains.Protocol;

namespace MoEActors.Grains.Cluster;

/// <summary>
/// What worker hosts know of a model's coordinators, whatever the store says: a new term exceeds theirs as well as the store's, and a model that they hold and
/// the store does not know is one that the store has lost.
/// </summary>
internal sealed class HostTerms(IWorkerHostClient hosts, ISiloStatusOracle silos, string model)
{
    /// <summary>The highest term that a living silo has seen; 0 for none. Silos that do not answer are left out: membership will have the last word on them.</summary>
    public async Task<long> HighestAsync()
    {
        long[] terms = await Task.WhenAll(silos.GetActiveSilos().Select(async silo =>
        {
            try
            {
                return await hosts.On(silo).GetTermAsync(model);
            }
            catch (Exception e) when (CallFailure.IsUnanswered(e))
            {
                return 0;
            }
        }));
        return terms.DefaultIfEmpty().Max();
    }

    /// <summary>Silos free what they hold of a model that no store knows.</summary>
    /// <returns>Whether one held something.</returns>
    public async Task<bool> ForgetAsync()
    {
        long term = await HighestAsync();
        if (term > 0)
        {
            await Task.WhenAll(silos.GetActiveSilos().Select(silo => hosts.On(silo).ForgetAsync(model, term)));
        }

        return term > 0;
    }
}

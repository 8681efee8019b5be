using System.Diagnostics;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Cluster;

/// <summary>
/// The silos that a view can be of: those that were asked for by name, or all, as far as they are alive. One that lives by membership's word and does not
/// answer, or cannot be taken in, is passed over for a while, and a view forms without it.
/// </summary>
internal sealed class ViewCandidates(SiloNames silos, Members members, CoordinatorTerm term, RunEvents events)
{
    /// <summary>How long a silo may be silent before a view forms without it. Membership notices most deaths in far less.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How long a silo that was passed over is not asked again.</summary>
    private static readonly TimeSpan PassedOver = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, long> _passedOver = [];

    /// <summary>Addresses: those of the last view first, in its order, then the others in the order of their names.</summary>
    public string[] Addresses
    {
        get
        {
            string[] wanted = term.Record.Silos;
            string[] known = term.Record.Map is { } map ? [.. map.Workers.Select(worker => worker.Silo).Distinct()] : [];
            return
            [
                .. silos.Addresses([]).Where(silo => (wanted.Length == 0 || wanted.Contains(silos.Of(silo))) && !IsPassedOver(silo))
                    .OrderBy(silo => Array.IndexOf(known, silo) is >= 0 and int place ? place : known.Length),
            ];
        }
    }

    /// <summary>Silos that the open view is not of.</summary>
    public string[] Newcomers => [.. Addresses.Except(members.Silos)];

    /// <summary>A silo cannot be used now.</summary>
    public void PassOver(string silo, string reason)
    {
        _passedOver[silo] = Stopwatch.GetTimestamp();
        events.SiloPassedOver(silo, reason);
    }

    /// <summary>Takes the inventory of all that answer, as soon as those that do not have been declared dead.</summary>
    public async Task<ClusterInventory> TakeInventoryAsync()
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            string[] asked = Addresses;
            HostInventory?[] answers = await Task.WhenAll(asked.Select(TryAskAsync));
            string[] silent = [.. asked.Where((_, place) => answers[place] is null)];
            if (silent.Length == 0)
            {
                return ClusterInventory.Of([.. asked.Zip(answers, (silo, answer) => (silo, answer!))]);
            }

            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                Array.ForEach(silent, silo => PassOver(silo, "it does not answer"));
            }
            else
            {
                await Task.Delay(Pause);
            }
        }
    }

    private async Task<HostInventory?> TryAskAsync(string silo)
    {
        try
        {
            return await members.GetInventoryAsync(silo);
        }
        catch (ViewFailedException)
        {
            return null;
        }
    }

    private bool IsPassedOver(string silo) => _passedOver.TryGetValue(silo, out long since) && Stopwatch.GetElapsedTime(since) < PassedOver;
}

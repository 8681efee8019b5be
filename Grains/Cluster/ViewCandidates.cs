using System.Diagnostics;
using MoEActors.Grains.Durability;
using MoEActors.Grains.Interfaces.Errors;
using MoEActors.Grains.Telemetry;

namespace MoEActors.Grains.Cluster;

/// <summary>
/// The silos that a view can be of: those that were asked for by name, or all, as far as they are alive and not drained. One that lives by membership's word and does not
/// answer, or cannot be taken in, is passed over for a while, and a view forms without it.
/// </summary>
internal sealed class ViewCandidates(SiloNames silos, Members members, CoordinatorTerm term, RunEvents events)
{
    /// <summary>How long a silo may be silent before a view forms without it. Membership notices most deaths in far less.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>How long a silo that was passed over is not asked again: twice as long each time, since to try it costs.</summary>
    private static readonly TimeSpan PassedOver = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestPassedOver = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, (long Since, TimeSpan Length)> _passedOver = [];
    private readonly UnreachedLinks _links = new();

    /// <summary>Addresses: those of the last view first, in its order, then the others in the order of their names.</summary>
    public string[] Addresses
    {
        get
        {
            string[] wanted = term.Record.Silos;
            string[] known = term.Record.Map is { } map ? [.. map.Workers.Select(worker => worker.Silo).Distinct()] : [];
            return
            [
                .. silos.Addresses([]).Where(silo => (wanted.Length == 0 || wanted.Contains(silos.Of(silo))) && !term.Record.Drained.Contains(silos.Of(silo)) && !IsPassedOver(silo))
                    .OrderBy(silo => Array.IndexOf(known, silo) is >= 0 and int place ? place : known.Length),
            ];
        }
    }

    /// <summary>Silos that the open view is not of.</summary>
    public string[] Newcomers => [.. Addresses.Except(members.Silos)];

    /// <summary>Whether some silos are all alive, as far as membership knows.</summary>
    public bool AreAlive(IEnumerable<string> some) => !some.Except(silos.Alive).Any();

    /// <summary>Whether one of some silos cannot be used now.</summary>
    public bool LeaveOut(IEnumerable<string> some) => some.Any(IsPassedOver);

    /// <summary>A silo cannot be used now.</summary>
    public void PassOver(string silo, string reason)
    {
        TimeSpan before = _passedOver.GetValueOrDefault(silo).Length;
        TimeSpan length = before == default ? PassedOver : before * 2 < LongestPassedOver ? before * 2 : LongestPassedOver;
        _passedOver[silo] = (Stopwatch.GetTimestamp(), length);
        events.SiloPassedOver(silo, $"{reason.TrimEnd('.')}. It is tried again in {length.TotalSeconds:0} s.");
    }

    /// <summary>A view has failed. One whose members live, and cannot reach one of them over the data plane, is followed by another of the same; then that one is left out.</summary>
    public void Failed()
    {
        _links.Failed(members.Unreached);
        if (_links.TakeCulprit(Addresses, _passedOver.ContainsKey) is var (silo, others))
        {
            PassOver(silo, $"{others} of the others cannot reach it over the data plane, or it them");
        }
    }

    /// <summary>A view has done its work.</summary>
    public void Worked() => _links.Worked();

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

    private bool IsPassedOver(string silo) =>
        _passedOver.TryGetValue(silo, out (long Since, TimeSpan Length) passed) && Stopwatch.GetElapsedTime(passed.Since) < passed.Length;
}

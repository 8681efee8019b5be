namespace MoEActors.Grains.Cluster;

/// <summary>
/// Which silos could not reach which over the data plane in views that failed one after the other. A connection that fails is one of two silos, and each
/// may say that it is the other's: the silo with the most of them is the one that is cut off.
/// </summary>
internal sealed class UnreachedLinks
{
    /// <summary>The first time may be a moment's: the next view is of the same silos.</summary>
    private const int Patience = 2;

    private readonly HashSet<(string, string)> _links = [];
    private int _failures;

    /// <summary>A view has failed.</summary>
    /// <param name="links">Who could not reach whom, as its members say.</param>
    public void Failed(IReadOnlyCollection<(string By, string Of)> links)
    {
        if (links.Count > 0)
        {
            _failures++;
            _links.UnionWith(links.Where(link => link.By != link.Of).Select(link => string.CompareOrdinal(link.By, link.Of) < 0 ? link : (link.Of, link.By)));
        }
    }

    /// <summary>A view has worked: what was before is over.</summary>
    public void Worked()
    {
        _failures = 0;
        _links.Clear();
    }

    /// <summary>The silo to leave out, and how many others cannot reach it; null for none. What was said of it is forgotten.</summary>
    /// <param name="members">The silos that are alive, in the order of the last view; of two that are alike, the later one goes.</param>
    /// <param name="wasLeftOut">Whether a silo has been left out before: once more is enough then.</param>
    public (string Silo, int Others)? TakeCulprit(IReadOnlyList<string> members, Predicate<string> wasLeftOut)
    {
        // Membership has the last word on those that have died.
        _links.RemoveWhere(link => !members.Contains(link.Item1) || !members.Contains(link.Item2));
        if (_links.Count == 0)
        {
            return null;
        }

        (string silo, int others) = members.Select(member => (member, LinksOf(member))).Reverse().MaxBy(one => one.Item2);
        if (_failures < Patience && !wasLeftOut(silo))
        {
            return null;
        }

        Worked();
        return (silo, others);
    }

    private int LinksOf(string silo) => _links.Count(link => link.Item1 == silo || link.Item2 == silo);
}

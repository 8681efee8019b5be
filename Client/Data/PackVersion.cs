namespace MoEActors.Client.Data;

/// <summary>A pack's version, for order: a preview comes before the release of the same number.</summary>
/// <param name="Number">The version's number.</param>
/// <param name="IsRelease">False for a preview.</param>
internal readonly record struct PackVersion(Version Number, bool IsRelease) : IComparable<PackVersion>
{
    /// <summary>Reads a folder's name; one that is no version comes before all others.</summary>
    public static PackVersion Parse(string name)
    {
        int label = name.IndexOf('-');
        return Version.TryParse(label < 0 ? name : name[..label], out Version? number)
            ? new PackVersion(number, label < 0)
            : new PackVersion(new Version(0, 0), false);
    }

    public int CompareTo(PackVersion other) => (Number, IsRelease).CompareTo((other.Number, other.IsRelease));
}

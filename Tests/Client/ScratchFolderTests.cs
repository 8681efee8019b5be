using MoEActors.Silo.Embedded;
using MoEActors.Silo.Hosting;
using MoEActors.Tests.Client.Data;

namespace MoEActors.Tests.Client;

/// <summary>What a process keeps for itself, and what is left of it.</summary>
public sealed class ScratchFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_the_dead_have_left_goes_and_what_the_living_have_stays()
    {
        // As a killed process leaves it: a lock that nobody holds.
        _folder.Write("scratch-dead/.in-use", "");
        _folder.Write("scratch-dead/m-1/1-0/model.safetensors", "x");
        string users = _folder.Write("scratch-mine/notes.txt", "no lock of ours");
        using var living = ScratchFolder.Make(_folder.Path, "scratch-");
        using (var next = ScratchFolder.Make(_folder.Path, "scratch-"))
        {
            Assert.True(Directory.Exists(living.Path) && Directory.Exists(next.Path) && File.Exists(users));
            Assert.False(Directory.Exists(Path.Combine(_folder.Path, "scratch-dead")));
        }

        Assert.Equal([living.Path, Path.GetDirectoryName(users)!], Directory.GetDirectories(_folder.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task More_silos_than_a_process_can_hold_are_refused()
    {
        var options = new EmbeddedClusterOptions { Silos = EmbeddedClusterOptions.MostSilos + 1 };
        Assert.Equal("options.Silos", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => EmbeddedCluster.StartAsync(options, TestContext.Current.CancellationToken))).ParamName);
    }
}

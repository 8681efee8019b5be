using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Pinning;
using MoEActors.Grains.Protocol;
using MoEActors.Modules.Gates;
using MoEActors.Modules.Timing;
using MoEActors.Placement.Costs;
using MoEActors.Placement.Map;
using MoEActors.Workers.Commands;
using MoEActors.Workers.Estimation;
using MoEActors.Workers.Exchange;
using MoEActors.Workers.Host;
using MoEActors.Workers.Memory;
using MoEActors.Workers.Shards;
using MoEActors.Workers.Training;

namespace MoEActors.Tests.Client.Data;

/// <summary>A folder of a test's own, gone after it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("moe-tests-").FullName;

    public string Write(string name, byte[] bytes)
    {
        string path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

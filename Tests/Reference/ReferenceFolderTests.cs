using System.Text.Json;
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

namespace MoEActors.Tests.Reference;

/// <summary>References that nothing compares with are worth nothing: every file and every case must be of a kind that a test runs over.</summary>
public class ReferenceFolderTests
{
    [Fact]
    public void The_folder_has_cases_and_every_case_has_a_test()
    {
        Assert.NotEmpty(ReferenceFolder.All());
        foreach ((string file, JsonElement item) in ReferenceFolder.All())
        {
            Assert.True(
                ReferenceFolder.IsLayer(item) || ReferenceFolder.IsModel(item),
                $"{file}: the case {item.GetProperty("name")} is neither a layer nor a language model.");
        }
    }
}

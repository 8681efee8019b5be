using System.Text.Json;

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

using System.Text.Json;
using MoEActors.Tests.Packages;

namespace MoEActors.Tests.Cli;

/// <summary>The benchmark whose ranks are processes: this is where the data plane crosses a process's border in the tests.</summary>
public sealed class BenchExchangeTests
{
    [Fact]
    public async Task Processes_exchange_bytes_and_the_report_has_every_ratio()
    {
        string output = await ChildProcess.RunAsync(
            "dotnet", AppContext.BaseDirectory, "moe.dll", "bench", "exchange", "--processes", "3", "--bytes", "1000000", "--blocks", "1", "--json");
        using JsonDocument report = JsonDocument.Parse(output);
        Assert.Equal(3, report.RootElement.GetProperty("processes").GetInt32());
        Assert.All(
            ["blast_ratio", "blast_processor_ratio", "two_connections_ratio", "four_connections_ratio", "ping_pong_ratio", "grain_ratio", "copy_ratio", "all_to_all_gigabytes_per_second"],
            ratio => Assert.True(report.RootElement.GetProperty(ratio).GetDouble() > 0, $"{ratio} is not above 0."));
    }
}

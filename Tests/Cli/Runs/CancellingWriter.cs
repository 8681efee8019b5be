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

namespace MoEActors.Tests.Cli.Runs;

/// <summary>A user who presses Ctrl-C on reading a certain word.</summary>
internal sealed class CancellingWriter(CancellationTokenSource cancellation, string word) : StringWriter
{
    public override void WriteLine(string? value)
    {
        base.WriteLine(value);
        if (value?.Contains(word, StringComparison.Ordinal) == true)
        {
            cancellation.Cancel();
        }
    }
}

using Orleans.Runtime;

namespace Orleans.Hosting;

/// <summary>A startup task with its place among the others.</summary>
internal sealed class StartupTask(int stage, Func<CancellationToken, Task> run) : IStartupTask
{
    public int Stage => stage;

    public Task Execute(CancellationToken cancellationToken) => run(cancellationToken);
}

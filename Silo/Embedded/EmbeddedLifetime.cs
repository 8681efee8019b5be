using Microsoft.Extensions.Hosting;

namespace MoEActors.Silo.Embedded;

/// <summary>
/// Silos that are part of a program live as long as it wants. The default of hosts listens to Ctrl-C and ends a start that is under way before the program
/// itself has heard of it.
/// </summary>
internal sealed class EmbeddedLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

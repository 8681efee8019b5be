using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Grains.Workers;

/// <summary>What the gates of one worker decided and measured in one step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Kept">By layer and expert: tokens that found a slot.</param>
/// <param name="Chosen">By layer and expert: tokens that chose it.</param>
/// <param name="Routers">Router entropies.</param>
/// <param name="Losses">Auxiliary losses.</param>
internal sealed record RoutingStatistics(long Step, long[][] Kept, long[][] Chosen, RouterPart[] Routers, AuxiliaryPart[] Losses);

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

namespace MoEActors.Tests.Support;

/// <summary>Where the tokens of one layer go.</summary>
/// <param name="Choices">[tokens × k] experts.</param>
/// <param name="Kept">[tokens × k] whether the choice found a slot.</param>
/// <param name="FirstChoices">By expert: tokens whose first choice it is.</param>
internal sealed record ExactRoute(int[] Choices, bool[] Kept, int[] FirstChoices);

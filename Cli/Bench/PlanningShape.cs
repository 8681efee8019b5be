namespace MoEActors.Cli.Bench;

/// <summary>The size of a planning problem; slots and workers are those of each layer.</summary>
internal readonly record struct PlanningShape(int Layers, int Experts, int Slots, int Workers);

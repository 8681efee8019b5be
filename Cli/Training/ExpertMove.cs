namespace MoEActors.Cli.Training;

/// <summary>An expert and the rank that is to hold it.</summary>
internal readonly record struct ExpertMove(int Layer, int Expert, int Rank);

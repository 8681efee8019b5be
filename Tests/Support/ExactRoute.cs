namespace MoEActors.Tests.Support;

/// <summary>Where the tokens of one layer go.</summary>
/// <param name="Choices">[tokens × k] experts.</param>
/// <param name="Kept">[tokens × k] whether the choice found a slot.</param>
/// <param name="FirstChoices">By expert: tokens whose first choice it is.</param>
internal sealed record ExactRoute(int[] Choices, bool[] Kept, int[] FirstChoices);

namespace MoEActors.Grains.Interfaces.Director;

/// <summary>How far a decision of the director has come.</summary>
public enum DecisionState
{
    /// <summary>Its shards are on their way.</summary>
    Landing,

    /// <summary>Its placement is in force.</summary>
    Landed,

    /// <summary>It was given up; the placement is what it was.</summary>
    GivenUp,
}

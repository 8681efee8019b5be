namespace MoEActors.Placement.Plans;

/// <summary>How eager the director is.</summary>
public sealed record DirectorOptions
{
    /// <summary>Balance ratio above which a layer at rest is planned for, if it is beyond doubt.</summary>
    public double Trigger { get; init; } = 1.03;

    /// <summary>Added to the trigger, divided by the square of the samples seen: one sample proves less than many.</summary>
    public double Caution { get; init; } = 0.6;

    /// <summary>Balance ratio up to which a layer is level and nothing is planned for it.</summary>
    public double Settled { get; init; } = 1.005;

    /// <summary>A layer whose load was even at so many plans in a row comes to rest.</summary>
    public int CalmPlans { get; init; } = 8;

    /// <summary>Training steps in which a plan must earn what its transfers cost.</summary>
    public int HorizonSteps { get; init; } = 50;

    /// <summary>Training steps for which an expert that has moved is left alone.</summary>
    public int CoolDownSteps { get; init; } = 10;

    /// <summary>Bytes that may move during one training step; one shard always may.</summary>
    public long BytesPerStep { get; init; } = 1L << 30;
}

namespace MoEActors.Placement;

/// <summary>One device of one living silo. A silo that restarts has another address, so its devices are new workers.</summary>
/// <param name="Silo">The silo's address, generation included.</param>
/// <param name="Device">Index of the device on the silo.</param>
public readonly record struct WorkerId(string Silo, int Device)
{
    /// <inheritdoc />
    public override string ToString() => $"{Silo}/{Device}";
}

namespace MoEActors.Benchmarks.Devices;

/// <summary>An operation on random operands of some shape, as any device runs it.</summary>
/// <param name="Name">The operation, its variant and its shape.</param>
/// <param name="Tolerance">
/// How far a float may be from the reference's, relative to the larger of 1 and the reference's; 0 where bits must agree. Integers always must.
/// </param>
/// <param name="Run">Makes the operands and runs the operation. Called once per device, with the same random numbers.</param>
/// <param name="HasOperands">Whether there are operands of products among them, which another device may have in bfloat16.</param>
public sealed record DeviceCase(string Name, double Tolerance, Action<CaseOperands> Run, bool HasOperands = false)
{
    /// <inheritdoc />
    public override string ToString() => Name;
}

/// <summary>How far a device was from the reference in a case.</summary>
/// <param name="Name">The case.</param>
/// <param name="Largest">
/// The largest difference of an element, relative as in <see cref="DeviceCase.Tolerance"/>; infinite where one is no number and the other is.
/// </param>
/// <param name="Allowed">The difference that is allowed.</param>
/// <param name="Where">The first element that differs by more, or empty.</param>
public sealed record DeviceDifference(string Name, double Largest, double Allowed, string Where)
{
    /// <summary>Whether no element differs by more than is allowed.</summary>
    public bool Passed => Where.Length == 0;
}

namespace MoEActors.Modules.Gates;

/// <summary>An auxiliary loss of one micro-batch at one gate.</summary>
/// <param name="Name">What it is called, such as <see cref="Balance"/>.</param>
/// <param name="Value">The loss, without its coefficient.</param>
/// <param name="Coefficient">Its weight in the loss of the step.</param>
public readonly record struct AuxiliaryLoss(string Name, double Value, double Coefficient)
{
    /// <summary>Name of the loss that keeps experts equally busy, of whatever kind.</summary>
    public const string Balance = "balance";

    /// <summary>Name of the z-loss.</summary>
    public const string Z = "z";
}

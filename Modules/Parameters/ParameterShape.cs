namespace MoEActors.Modules.Parameters;

/// <summary>One tensor of a layout: name, shape, and how it starts and decays.</summary>
/// <param name="Name">Name within its block, as in <c>layers.0.router</c>.</param>
/// <param name="Rows">Rows; 1 for a vector.</param>
/// <param name="Columns">Columns. Weights are [in, out].</param>
/// <param name="Initial">How the values start.</param>
/// <param name="Decays">Whether weight decay applies: matrices yes, norms and biases no.</param>
/// <param name="Trained">
/// Whether the optimizer moves it along its gradient. State that is not trained is kept, copied and saved with the others; whoever owns
/// it decides what the memory of its gradient carries.
/// </param>
public sealed record ParameterShape(string Name, int Rows, int Columns, InitialValue Initial, bool Decays, bool Trained = true)
{
    /// <summary>Number of elements.</summary>
    public int Count => checked(Rows * Columns);

    /// <summary>A weight [in, out] that starts as a normal of the given deviation.</summary>
    public static ParameterShape Weight(string name, int rows, int columns, float deviation) =>
        new(name, rows, columns, InitialValue.Normal(deviation), Decays: true);

    /// <summary>The scale of a norm, which starts at one and does not decay.</summary>
    public static ParameterShape Scale(string name, int columns) => new(name, 1, columns, InitialValue.Constant(1f), Decays: false);

    /// <summary>A bias, which starts at zero and does not decay.</summary>
    public static ParameterShape Bias(string name, int columns) => new(name, 1, columns, InitialValue.Constant(0f), Decays: false);

    /// <summary>State that starts at zero and that no gradient moves.</summary>
    public static ParameterShape State(string name, int columns) => Bias(name, columns) with { Trained = false };
}

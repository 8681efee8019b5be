namespace MoEActors.Modules.Autograd;

/// <summary>
/// An activation on the tape: its value, and the slot under which the tape keeps its gradient. Tensors that share a slot share
/// one gradient, so that a residual stream needs no work in backward.
/// </summary>
/// <param name="Value">[rows, columns]; a row is a token.</param>
/// <param name="Slot">Index of the gradient on the tape.</param>
public readonly record struct Tensor(Matrix Value, int Slot)
{
    /// <summary>Number of rows (tokens).</summary>
    public int Rows => Value.Rows;

    /// <summary>Number of columns (features).</summary>
    public int Columns => Value.Columns;
}

using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Checkpoints;

/// <summary>
/// A tensor of a checkpoint, and the part of a parameter that it is: a run of columns, stored as [out, in] where the parameter is
/// [in, out].
/// </summary>
/// <param name="Name">Name in the checkpoint.</param>
/// <param name="Parameter">Name of the parameter in its block.</param>
/// <param name="FirstColumn">First column of the part.</param>
/// <param name="Columns">Columns of the part.</param>
/// <param name="Transposed">Whether the checkpoint has rows and columns exchanged.</param>
public sealed record TensorPiece(string Name, string Parameter, int FirstColumn, int Columns, bool Transposed)
{
    /// <summary>Shape in the checkpoint; a vector has one dimension.</summary>
    public int[] Shape(ParameterShape parameter) => parameter.Rows == 1 && !Transposed
        ? [Columns]
        : Transposed ? [Columns, parameter.Rows] : [parameter.Rows, Columns];

    /// <summary>The part in the checkpoint's order.</summary>
    /// <param name="parameter">The parameter's shape.</param>
    /// <param name="values">Its values, row-major.</param>
    public float[] Take(ParameterShape parameter, ReadOnlySpan<float> values)
    {
        float[] part = new float[parameter.Rows * Columns];
        for (int row = 0; row < parameter.Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                part[Place(parameter, row, column)] = values[row * parameter.Columns + FirstColumn + column];
            }
        }

        return part;
    }

    /// <summary>Puts a part that was read into the parameter's values.</summary>
    /// <param name="parameter">The parameter's shape.</param>
    /// <param name="part">The part in the checkpoint's order.</param>
    /// <param name="values">The parameter's values, row-major.</param>
    public void Put(ParameterShape parameter, ReadOnlySpan<float> part, Span<float> values)
    {
        for (int row = 0; row < parameter.Rows; row++)
        {
            for (int column = 0; column < Columns; column++)
            {
                values[row * parameter.Columns + FirstColumn + column] = part[Place(parameter, row, column)];
            }
        }
    }

    private int Place(ParameterShape parameter, int row, int column) => Transposed ? column * parameter.Rows + row : row * Columns + column;
}

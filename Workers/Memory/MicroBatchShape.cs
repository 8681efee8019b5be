namespace MoEActors.Workers.Memory;

/// <summary>The size of a micro-batch, which the memory of a step follows from.</summary>
/// <param name="Sequences">Number of sequences.</param>
/// <param name="Length">Tokens of a sequence.</param>
public readonly record struct MicroBatchShape(int Sequences, int Length)
{
    /// <summary>Tokens of the micro-batch.</summary>
    public int Tokens => checked(Sequences * Length);

    /// <summary>The shape of a micro-batch.</summary>
    public static MicroBatchShape Of(MicroBatch batch) => new(batch.Inputs.Length / batch.SequenceLength, batch.SequenceLength);

    /// <summary>Whether it needs no more than another.</summary>
    public bool FitsInto(MicroBatchShape other) => Sequences <= other.Sequences && Length <= other.Length;

    /// <inheritdoc />
    public override string ToString() => $"{Sequences}×{Length} tokens";
}

/// <summary>Micro-batches that are known to fit, and with them all smaller ones.</summary>
public sealed class CoveredShapes
{
    private readonly List<MicroBatchShape> _shapes = [];

    /// <summary>Shapes of which none fits into another.</summary>
    public IReadOnlyList<MicroBatchShape> Shapes => _shapes;

    /// <summary>Whether a shape, or one that it fits into, has been added. Allocates nothing.</summary>
    public bool Contains(MicroBatchShape shape)
    {
        for (int i = 0; i < _shapes.Count; i++)
        {
            if (shape.FitsInto(_shapes[i]))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds a shape.</summary>
    public void Add(MicroBatchShape shape)
    {
        _shapes.RemoveAll(smaller => smaller.FitsInto(shape));
        _shapes.Add(shape);
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => _shapes.Clear();
}

namespace MoEActors.Grains.Memory;

/// <summary>Micro-batches that are known to fit, and with them all smaller ones.</summary>
internal sealed class CoveredShapes
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

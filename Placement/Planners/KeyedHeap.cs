namespace MoEActors.Placement.Planners;

/// <summary>A binary heap of numbers with keys: the least key on top, of equal keys the lower number.</summary>
internal sealed class KeyedHeap(int capacity)
{
    private readonly double[] _keys = new double[capacity];
    private readonly int[] _items = new int[capacity];

    public int Count { get; private set; }

    public int Top => _items[0];

    public double TopKey => _keys[0];

    public void Clear() => Count = 0;

    /// <summary>O(log count).</summary>
    public void Push(int item, double key)
    {
        int hole = Count++;
        while (hole > 0)
        {
            int parent = (hole - 1) >> 1;
            if (!Before(key, item, _keys[parent], _items[parent]))
            {
                break;
            }

            (_keys[hole], _items[hole]) = (_keys[parent], _items[parent]);
            hole = parent;
        }

        (_keys[hole], _items[hole]) = (key, item);
    }

    /// <summary>O(log count).</summary>
    public int Pop()
    {
        int top = _items[0];
        Count--;
        if (Count > 0)
        {
            Sink(_items[Count], _keys[Count]);
        }

        return top;
    }

    /// <summary>Gives the top another key. O(log count).</summary>
    public void ReplaceTop(double key) => Sink(_items[0], key);

    private void Sink(int item, double key)
    {
        int hole = 0;
        while (true)
        {
            int child = (2 * hole) + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && Before(_keys[child + 1], _items[child + 1], _keys[child], _items[child]))
            {
                child++;
            }

            if (!Before(_keys[child], _items[child], key, item))
            {
                break;
            }

            (_keys[hole], _items[hole]) = (_keys[child], _items[child]);
            hole = child;
        }

        (_keys[hole], _items[hole]) = (key, item);
    }

    private static bool Before(double key, int item, double otherKey, int other) => key < otherKey || (key == otherKey && item < other);
}

using MoEActors.Modules.Timing;

namespace MoEActors.Modules.Autograd;

/// <summary>
/// The record of one forward pass over one micro-batch, played backwards for the gradients. Values and gradients live in the
/// arena; nodes are pooled: a warm tape allocates nothing. One executor thread at a time.
/// </summary>
/// <param name="device">The device that computes.</param>
/// <param name="arena">Memory for values and gradients of one round.</param>
/// <param name="clock">Times the phases; null when its readings are not needed.</param>
public sealed class Tape(IDevice device, Arena arena, PhaseClock? clock = null)
{
    private readonly List<TapeNode> _nodes = [];
    private readonly Dictionary<Type, NodePool> _pools = [];
    private Matrix[] _gradients = new Matrix[64];
    private bool[] _written = new bool[64];
    private int _slots;

    /// <summary>The device that computes.</summary>
    public IDevice Device { get; } = device;

    /// <summary>Memory of this round.</summary>
    public Arena Arena { get; } = arena;

    /// <summary>Where modules mark what they are doing.</summary>
    public PhaseClock Clock { get; } = clock ?? new PhaseClock();

    /// <summary>Whether operations are recorded. Off for evaluation and generation.</summary>
    public bool Recording { get; set; } = true;

    /// <summary>A new activation of undefined content, with a gradient of its own.</summary>
    public Tensor Create(int rows, int columns) => Create(rows, columns, ElementType.F32);

    /// <summary>A new activation of undefined content that only products and the operations around them read. Its gradient is fp32.</summary>
    public Tensor CreateOperand(int rows, int columns) => Create(rows, columns, Device.OperandType);

    private Tensor Create(int rows, int columns, ElementType element)
    {
        if (_slots == _gradients.Length)
        {
            Array.Resize(ref _gradients, _slots * 2);
            Array.Resize(ref _written, _slots * 2);
        }

        _gradients[_slots] = default;
        _written[_slots] = false;
        return new Tensor(Take(rows, columns, element), _slots++);
    }

    /// <summary>
    /// The next point of a residual stream: a copy of <paramref name="x"/>'s value, to be added to, under the same slot. The
    /// gradient of a sum is the gradient of its terms, so both points share one.
    /// </summary>
    public Tensor Continue(in Tensor x)
    {
        Matrix value = NewMatrix(x.Rows, x.Columns);
        Device.Copy(x.Value.Data.Slice(0, value.Data.Length), value.Data);
        return new Tensor(value, x.Slot);
    }

    /// <summary>A matrix of fp32 in the arena, of undefined content.</summary>
    public Matrix NewMatrix(int rows, int columns) => Take(rows, columns, ElementType.F32);

    /// <summary>A matrix in the arena, of undefined content, that products take: of the elements that the device multiplies.</summary>
    public Matrix NewOperand(int rows, int columns) => Take(rows, columns, Device.OperandType);

    /// <summary>The matrix as products take it: itself, or a copy that is rounded.</summary>
    public Matrix Operand(in Matrix matrix)
    {
        if (matrix.Element == Device.OperandType)
        {
            return matrix;
        }

        Matrix rounded = NewOperand(matrix.Rows, matrix.Columns);
        Device.Convert(matrix, rounded);
        return rounded;
    }

    private Matrix Take(int rows, int columns, ElementType element) => element == ElementType.F32
        ? new Matrix(Arena.Take<float>(checked(rows * columns)), rows, columns)
        : Matrix.OfRounded(Arena.Take<BFloat16>(checked(rows * columns)), rows, columns);

    /// <summary>
    /// The gradient of <paramref name="x"/> to write to, and how: the first writer of a pass stores, later ones add.
    /// </summary>
    public Matrix GradientToWrite(in Tensor x, out Accumulation accumulation)
    {
        accumulation = _written[x.Slot] ? Accumulation.Add : Accumulation.Store;
        if (_gradients[x.Slot].Rows == 0)
        {
            _gradients[x.Slot] = NewMatrix(x.Rows, x.Columns);
        }

        _written[x.Slot] = true;
        return _gradients[x.Slot];
    }

    /// <summary>The gradient of <paramref name="x"/> to read.</summary>
    /// <exception cref="InvalidOperationException">Nothing has written it: the tensor does not reach the loss.</exception>
    public Matrix Gradient(in Tensor x) =>
        _written[x.Slot] || x.Rows == 0
            ? (x.Rows == 0 ? new Matrix(default, 0, x.Columns) : _gradients[x.Slot])
            : throw new InvalidOperationException($"The gradient of a [{x.Rows}, {x.Columns}] tensor was read before anything wrote it.");

    /// <summary>Starts the backward pass at <paramref name="output"/> with the given gradient.</summary>
    public void Seed(in Tensor output, in Matrix gradient)
    {
        _gradients[output.Slot] = gradient;
        _written[output.Slot] = true;
    }

    /// <summary>A node to fill in, recorded behind all earlier ones; null when the tape is not recording.</summary>
    public TNode? Record<TNode>()
        where TNode : TapeNode, new()
    {
        if (!Recording)
        {
            return null;
        }

        if (!_pools.TryGetValue(typeof(TNode), out NodePool? found))
        {
            found = new NodePool<TNode>();
            _pools.Add(typeof(TNode), found);
        }

        TNode node = ((NodePool<TNode>)found).Next();
        node.Mark = Clock.Mark;
        _nodes.Add(node);
        return node;
    }

    /// <summary>Plays the record backwards.</summary>
    public void Backward() => Backward(0);

    /// <summary>Plays what was recorded since the mark backwards.</summary>
    public void BackwardTo(TapeMark mark) => Backward(mark.Nodes);

    /// <summary>The place up to which <see cref="Release"/> can discard.</summary>
    public TapeMark Mark() => new(_nodes.Count, _slots, Arena.Mark());

    /// <summary>
    /// Discards what was recorded since the mark and frees its memory: tensors made since are invalid. Gradients of earlier tensors must have been
    /// written to before the mark, or they are lost with it.
    /// </summary>
    public void Release(TapeMark mark)
    {
        _nodes.RemoveRange(mark.Nodes, _nodes.Count - mark.Nodes);
        _slots = mark.Slots;
        Arena.Release(mark.Memory);
    }

    /// <summary>Discards the record and resets the arena: all tensors become invalid.</summary>
    public void Reset()
    {
        _nodes.Clear();
        foreach (NodePool pool in _pools.Values)
        {
            pool.Reset();
        }

        _slots = 0;
        Arena.Reset();
    }

    private void Backward(int first)
    {
        PhaseMark before = Clock.Mark;
        for (int i = _nodes.Count - 1; i >= first; i--)
        {
            Clock.Enter(_nodes[i].Mark);
            _nodes[i].Backward(this);
        }

        Clock.Enter(before);
    }

    private abstract class NodePool
    {
        protected int Used { get; set; }

        public void Reset() => Used = 0;
    }

    private sealed class NodePool<TNode> : NodePool
        where TNode : TapeNode, new()
    {
        private readonly List<TNode> _all = [];

        public TNode Next()
        {
            if (Used == _all.Count)
            {
                _all.Add(new TNode());
            }

            return _all[Used++];
        }
    }
}

/// <summary>
/// One recorded operation: what its backward pass needs. Nodes are pooled by the tape and reused in the next round, so a node's
/// fields are set anew by every forward pass.
/// </summary>
public abstract class TapeNode
{
    /// <summary>Where the step was when this was recorded: backward counts there too.</summary>
    internal PhaseMark Mark { get; set; }

    /// <summary>Reads the gradient of the operation's output and adds to those of its inputs and parameters.</summary>
    protected internal abstract void Backward(Tape tape);
}

/// <summary>A place in a pass: what the <see cref="Tape"/> recorded later can be played back and discarded.</summary>
/// <param name="Nodes">Operations recorded.</param>
/// <param name="Slots">Gradients in use.</param>
/// <param name="Memory">The place in the arena.</param>
public readonly record struct TapeMark(int Nodes, int Slots, ArenaMark Memory);

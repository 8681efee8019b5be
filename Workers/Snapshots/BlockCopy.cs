using System.Runtime.InteropServices;

namespace MoEActors.Workers.Snapshots;

/// <summary>What a snapshot is made of: the experts of a model, and its dense part.</summary>
/// <param name="Expert">The expert; null for the dense part.</param>
internal readonly record struct BlockId(ExpertId? Expert);

/// <summary>Where the tensors of a block are in a copy of it: values, first moments and second moments, each of them one tensor behind the other.</summary>
internal sealed class CopyLayout
{
    private readonly Dictionary<string, long> _starts = [];
    private readonly long _part;

    public CopyLayout(IReadOnlyList<ParameterShape> shapes)
    {
        foreach (ParameterShape shape in shapes)
        {
            _starts.Add(shape.Name, _part);
            _part += shape.Count;
        }

        Length = _part * Enum.GetValues<BlockPart>().Length;
    }

    /// <summary>Elements of a copy. A model that can be trained has blocks of so few that one piece of memory takes them; others are only estimated.</summary>
    public long Length { get; }

    /// <summary>Bytes of a copy.</summary>
    public long Bytes => Length * sizeof(float);

    /// <summary>Where a part of a tensor begins.</summary>
    public int StartOf(Parameter parameter, BlockPart part) => (int)((int)part * _part + _starts[parameter.Shape.Name]);
}

/// <summary>One block as it was at the step of a snapshot, in the host's memory, which communicators can send and receive.</summary>
internal sealed class BlockCopy(CopyLayout layout)
{
    // Where the collector does not move it; it is freed when nobody has it any more, whoever still sends it.
    private readonly float[] _memory = GC.AllocateUninitializedArray<float>(checked((int)layout.Length), pinned: true);
    private volatile bool _isWhole;

    public CopyLayout Layout => layout;

    /// <summary>Whether all of it is here. From any thread.</summary>
    public bool IsWhole
    {
        get => _isWhole;
        set => _isWhole = value;
    }

    /// <summary>The memory, for as long as this is referenced.</summary>
    public DeviceSpan<float> Span => new(Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0), _memory.Length);

    /// <summary>A part of one of its tensors.</summary>
    public ReadOnlySpan<float> Of(Parameter parameter, BlockPart part) => _memory.AsSpan(layout.StartOf(parameter, part), parameter.Shape.Count);

    /// <summary>Copies a block's state.</summary>
    public void Take(ParameterBlock block)
    {
        foreach (Parameter parameter in block.Parameters)
        {
            foreach (BlockPart part in Enum.GetValues<BlockPart>())
            {
                block.Read(parameter, part, _memory.AsSpan(layout.StartOf(parameter, part), parameter.Shape.Count));
            }
        }

        IsWhole = true;
    }

    /// <summary>Brings a block to that state.</summary>
    public void Give(IDevice device, ParameterBlock block)
    {
        foreach (Parameter parameter in block.Parameters)
        {
            device.Write(Of(parameter, BlockPart.Values), parameter.Vector);
            device.Write(Of(parameter, BlockPart.FirstMoments), block.FirstMoments.Slice(parameter.Offset, parameter.Shape.Count));
            device.Write(Of(parameter, BlockPart.SecondMoments), block.SecondMoments.Slice(parameter.Offset, parameter.Shape.Count));
        }

        block.RoundValues();
    }
}

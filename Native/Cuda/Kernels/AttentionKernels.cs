namespace MoEActors.Native.Cuda.Kernels;

/// <summary>The kernels of attention for heads of at most <see cref="_width"/> features, and how they are launched.</summary>
internal sealed class AttentionKernels
{
    /// <summary>Threads of a block.</summary>
    public const int Threads = 256;

    /// <summary>Features of the largest head.</summary>
    public const int LargestHead = 256;

    private static readonly AttentionKernels[] Known = [new(32, 64), new(64, 64), new(128, 64), new(LargestHead, 32)];

    private readonly int _width;
    private readonly int _tile;

    private AttentionKernels(int width, int tile)
    {
        (_width, _tile) = (width, tile);
        Forward = new("attention", $"attention_{width}");
        QueryGradient = new("attention", $"attention_query_gradient_{width}");
        KeyGradient = new("attention", $"attention_key_gradient_{width}");
    }

    /// <summary>Outputs, and the logarithm of each row's denominator.</summary>
    public KernelName Forward { get; }

    /// <summary>Gradients by queries.</summary>
    public KernelName QueryGradient { get; }

    /// <summary>Gradients by keys and values.</summary>
    public KernelName KeyGradient { get; }

    /// <summary>Those for a size of heads.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No kernel takes such large heads.</exception>
    public static AttentionKernels For(int headDim)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(headDim, LargestHead);
        return Known.First(kernels => headDim <= kernels._width);
    }

    /// <summary>A block per sequence and head, and tile of rows; in its shared memory so many tiles of rows, and one of weights.</summary>
    public LaunchShape Shape(int rows, int sequenceLength, int heads, int tiles)
    {
        int floats = tiles * _tile * (_width + 4) + _tile * (_tile + 4);
        return new(rows / sequenceLength * heads, Threads, floats * sizeof(float), (sequenceLength + _tile - 1) / _tile);
    }
}

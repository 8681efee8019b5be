using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

/// <summary>
/// Operands for any row-wise operation: rows of some matrices, which an operation may read and write, and operands that all
/// rows share. Row i of a case does not depend on how many rows there are. At least <see cref="Choices"/> columns.
/// </summary>
internal sealed class RowCase : IDisposable
{
    public const int Choices = 3;

    /// <summary>Rows of a sequence, where position matters.</summary>
    public const int Position = 4;

    private const int TableRows = 11;

    private readonly KernelMemory _memory;

    /// <summary>Rows <paramref name="first"/> and following of the case given by <paramref name="seed"/>.</summary>
    public RowCase(int seed, int first, int rows, int columns, RowLayout layout)
    {
        _memory = new KernelMemory(layout.Threads);
        Matrix Rows(int salt, int width) => _memory.Matrix(RandomRows(seed + salt, first, rows, width), layout.Gap, layout.Shift);
        (X, Y, Z) = (Rows(1, columns), Rows(2, columns), Rows(3, columns));
        (Pair, Inverse) = (Rows(4, 2), _memory.Matrix(RandomRows(seed + 5, first, rows, 1)));
        (OutX, OutY, OutZ, OutPair) = (Rows(6, columns), Rows(7, columns), Rows(14, columns), Rows(8, 2));
        Weight = _memory.Span(Values.Vector(new Random(seed + 9), columns));
        Table = _memory.Matrix(Values.Matrix(new Random(seed + 10), TableRows, columns), layout.Gap);
        Half = _memory.Matrix(Values.Matrix(new Random(seed + 11), Position, columns / 2));
        Slots = _memory.Integers(RandomSlots(seed + 12, first, rows));
        ChoiceWeights = _memory.Matrix(RandomRows(seed + 13, first, rows, Choices));
        Target = _memory.Integers(new int[rows]);
        Chosen = _memory.Integers(new int[rows * Choices]);
        FirstKeys = _memory.Integers([.. Enumerable.Range(0, rows).Select(row => row % Position / 2 * 2)]);
        Scores = _memory.Span(Undefined(rows));
        ScoreGradients = _memory.Span(Undefined(rows));
    }

    public IDevice Device => _memory.Device;

    public Matrix X { get; }

    public Matrix Y { get; }

    public Matrix Z { get; }

    public Matrix Pair { get; }

    public Matrix Inverse { get; }

    public Matrix OutX { get; }

    public Matrix OutY { get; }

    public Matrix OutZ { get; }

    public Matrix OutPair { get; }

    public Matrix Table { get; }

    public Matrix Half { get; }

    public Matrix ChoiceWeights { get; }

    public DeviceSpan<float> Weight { get; }

    public DeviceSpan<int> Slots { get; }

    public DeviceSpan<int> Target { get; }

    public DeviceSpan<int> Chosen { get; }

    /// <summary>Bounds of two documents in each sequence.</summary>
    public DeviceSpan<int> FirstKeys { get; }

    /// <summary>What attention of two heads keeps. Whatever is not written is no number.</summary>
    public DeviceSpan<float> Scores { get; }

    public DeviceSpan<float> ScoreGradients { get; }

    /// <summary>Every row-wise operand as it is now.</summary>
    public float[][,] Read()
    {
        _memory.AssertSurroundingsUntouched();
        var chosen = new float[X.Rows, Choices];
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i / Choices, i % Choices] = Chosen.AsSpan()[i];
        }

        return [.. new[] { X, Y, Z, Inverse, OutX, OutY, OutZ, OutPair, ChoiceWeights }.Select(m => KernelMemory.Read(m)), chosen];
    }

    public void Dispose() => _memory.Dispose();

    private static float[,] RandomRows(int seed, int first, int rows, int columns)
    {
        var values = new float[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            float[] row = Values.Vector(new Random(seed * 1000 + first + i), columns);
            Buffer.BlockCopy(row, 0, values, i * columns * sizeof(float), columns * sizeof(float));
        }

        return values;
    }

    private static float[] Undefined(int rows)
    {
        var scores = new float[2 * rows * Position];
        Array.Fill(scores, float.NaN);
        return scores;
    }

    private static int[] RandomSlots(int seed, int first, int rows)
    {
        var slots = new int[rows * Choices];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = new Random(seed * 1000 + first * Choices + i).Next(-1, TableRows);
        }

        return slots;
    }
}

/// <summary>Where operands are in memory; results must not depend on it.</summary>
/// <param name="Threads">Threads of the device.</param>
/// <param name="Gap">Elements between two rows.</param>
/// <param name="Shift">Elements off a cache line.</param>
internal readonly record struct RowLayout(int Threads, int Gap, int Shift);

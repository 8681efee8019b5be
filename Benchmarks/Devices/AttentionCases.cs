using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Benchmarks.Devices;

/// <summary>Rotary embedding and attention: heads of any size, groups, sequences that end within a tile, documents within a sequence.</summary>
internal static class AttentionCases
{
    private static readonly int[] Halves = [1, 5, 16];
    private static readonly bool[] Either = [false, true];

    private static readonly (AttentionShape Shape, int Sequences, int Length)[] Sequences =
    [
        (new(1, 1, 2), 0, 3), (new(1, 1, 8), 1, 1), (new(3, 1, 6), 2, 5), (new(4, 2, 32), 2, 65), (new(2, 1, 64), 1, 130), (new(2, 2, 48), 1, 64),
        (new(2, 1, 128), 1, 67), (new(2, 2, 100), 2, 33), (new(1, 1, 256), 1, 70), (new(2, 1, 130), 1, 9),
    ];

    public static IEnumerable<DeviceCase> All =>
    [
        .. Halves.SelectMany(Rotary),
        .. from sequences in Sequences
           from documents in Either
           from gradient in Either
           select Attention(sequences.Shape, sequences.Sequences, sequences.Length, documents, gradient),
    ];

    private static IEnumerable<DeviceCase> Rotary(int half)
    {
        foreach (bool inverse in Either)
        {
            yield return new($"Rotary {half}{(inverse ? " inverse" : "")}", CaseShapes.Close, o =>
                o.Device.Rotary(o.Matrix(11, 6 * half, 3), o.Matrix(4, half, 1), o.Matrix(4, half), 4, inverse));
        }
    }

    private static DeviceCase Attention(AttentionShape shape, int sequences, int length, bool documents, bool gradient)
    {
        string name = $"Attention{(gradient ? "Gradient" : "")} {sequences} of {length}, {shape.Heads}/{shape.KeyValueHeads} heads of {shape.HeadDim}";
        return new DeviceCase(documents ? $"{name}, documents" : name, CaseShapes.Close, o =>
        {
            int rows = sequences * length;
            float scale = 1 / MathF.Sqrt(shape.HeadDim);
            AttentionMemory memory = o.Device.AttentionMemory(shape, rows, length);
            Matrix inputs = o.Matrix(rows, shape.Columns), output = o.Matrix(rows, shape.QueryColumns, 1);
            Matrix Queries(in Matrix wide) => wide.SliceColumns(0, shape.QueryColumns);
            Matrix Keys(in Matrix wide) => wide.SliceColumns(shape.QueryColumns, shape.KeyColumns);
            Matrix Values(in Matrix wide) => wide.SliceColumns(shape.QueryColumns + shape.KeyColumns, shape.KeyColumns);
            DeviceSpan<int> firstKeys = documents ? o.Integers([.. Enumerable.Range(0, rows).Select(row => row % length / 7 * 7)]) : default;
            DeviceSpan<float> state = o.Scratch(memory.State);
            o.Device.Attention(shape, Queries(inputs), Keys(inputs), Values(inputs), firstKeys, length, scale, output, state);
            if (gradient)
            {
                Matrix gradients = o.Matrix(rows, shape.Columns, 3);
                o.Device.AttentionGradient(
                    shape, Queries(inputs), Keys(inputs), Values(inputs), firstKeys, length, scale, output, state, o.Matrix(rows, shape.QueryColumns, 2),
                    Queries(gradients), Keys(gradients), Values(gradients), o.Scratch(memory.Scratch));
            }
        });
    }
}

using System.Text.Json;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Reference;

/// <summary>A tensor of a reference, in double.</summary>
internal sealed record ReferenceTensor(int[] Shape, double[] Data)
{
    /// <summary>Largest allowed max|difference| / max|reference| of a tensor that a device has computed.</summary>
    public static double Tolerance(IDevice device) => device.OperandType == ElementType.F32 ? 1e-4 : 2e-2;

    public static ReferenceTensor Read(JsonElement tensor) => new(
        [.. tensor.GetProperty("shape").EnumerateArray().Select(element => element.GetInt32())],
        [.. tensor.GetProperty("data").EnumerateArray().Select(element => element.GetDouble())]);

    public static Dictionary<string, ReferenceTensor> ReadAll(JsonElement tensors) =>
        tensors.EnumerateObject().ToDictionary(property => property.Name, property => Read(property.Value));

    /// <summary>Rows when the last dimension is columns.</summary>
    public int Rows => Data.Length / Shape[^1];

    /// <summary>The part of the first dimension's index-th entry.</summary>
    public ReferenceTensor Part(int index)
    {
        int length = Data.Length / Shape[0];
        return new ReferenceTensor(Shape[1..], Data[(index * length)..((index + 1) * length)]);
    }

    /// <summary>This and <paramref name="others"/> side by side.</summary>
    public ReferenceTensor Beside(params ReferenceTensor[] others)
    {
        ReferenceTensor[] all = [this, .. others];
        int columns = all.Sum(tensor => tensor.Shape[^1]);
        double[] data = new double[Rows * columns];
        int first = 0;
        foreach (ReferenceTensor tensor in all)
        {
            int width = tensor.Shape[^1];
            for (int row = 0; row < Rows; row++)
            {
                tensor.Data.AsSpan(row * width, width).CopyTo(data.AsSpan(row * columns + first));
            }

            first += width;
        }

        return new ReferenceTensor([Rows, columns], data);
    }

    public void CopyTo(IDevice device, DeviceSpan<float> destination) =>
        device.Write<float>(Array.ConvertAll(Data, value => (float)value), destination);

    /// <summary>Fails unless <paramref name="actual"/> is this within the tolerance, of the largest element.</summary>
    public void AssertNear(string name, ReadOnlySpan<float> actual, double tolerance)
    {
        Assert.True(actual.Length == Data.Length, $"{name}: {actual.Length} elements, the reference has {Data.Length}.");
        double scale = Data.Length == 0 ? 0 : Data.Max(Math.Abs);
        for (int i = 0; i < Data.Length; i++)
        {
            double difference = Math.Abs(actual[i] - Data[i]);
            Assert.True(
                difference <= tolerance * scale,
                $"{name}[{i}] is {actual[i]:R}, the reference {Data[i]:R}: off by {difference / scale:E2} of the largest.");
        }
    }

    /// <summary>
    /// Fails unless <paramref name="actual"/> is this within the tolerance, by the lengths of both as vectors: through several layers of rounded operands single
    /// elements go further astray than the whole.
    /// </summary>
    public void AssertNearAsAWhole(string name, ReadOnlySpan<float> actual, double tolerance)
    {
        Assert.True(actual.Length == Data.Length, $"{name}: {actual.Length} elements, the reference has {Data.Length}.");
        double off = 0;
        for (int i = 0; i < Data.Length; i++)
        {
            off += (actual[i] - Data[i]) * (actual[i] - Data[i]);
        }

        double relative = Math.Sqrt(off / Math.Max(Data.Sum(value => value * value), double.Epsilon));
        Assert.True(relative <= tolerance, $"{name} is off by {relative:E2} of the reference's length.");
    }

    public static void AssertNear(string name, double expected, double actual, double tolerance) =>
        Assert.True(Math.Abs(actual - expected) <= tolerance * Math.Abs(expected), $"{name} is {actual:R}, the reference {expected:R}.");
}

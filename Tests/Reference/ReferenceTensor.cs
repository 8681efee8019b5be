using System.Text.Json;
using MoEActors.Native;
using MoEActors.Native.Memory;

namespace MoEActors.Tests.Reference;

/// <summary>A tensor of a reference, in double.</summary>
internal sealed record ReferenceTensor(int[] Shape, double[] Data)
{
    /// <summary>Largest allowed max|difference| / max|reference|.</summary>
    public const double Tolerance = 1e-4;

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

    /// <summary>Fails unless <paramref name="actual"/> is this within the tolerance.</summary>
    public void AssertNear(string name, ReadOnlySpan<float> actual)
    {
        Assert.True(actual.Length == Data.Length, $"{name}: {actual.Length} elements, the reference has {Data.Length}.");
        double scale = Data.Length == 0 ? 0 : Data.Max(Math.Abs);
        for (int i = 0; i < Data.Length; i++)
        {
            double difference = Math.Abs(actual[i] - Data[i]);
            Assert.True(
                difference <= Tolerance * scale,
                $"{name}[{i}] is {actual[i]:R}, the reference {Data[i]:R}: off by {difference / scale:E2} of the largest.");
        }
    }

    public static void AssertNear(string name, double expected, double actual) =>
        Assert.True(Math.Abs(actual - expected) <= Tolerance * Math.Abs(expected), $"{name} is {actual:R}, the reference {expected:R}.");
}

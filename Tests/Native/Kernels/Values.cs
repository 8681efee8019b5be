namespace MoEActors.Tests.Native.Kernels;

/// <summary>Random operands, and comparisons.</summary>
internal static class Values
{
    /// <summary>Normally distributed values.</summary>
    public static float[,] Matrix(Random random, int rows, int columns, double scale = 1)
    {
        var values = new float[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                values[i, j] = (float)(scale * Normal(random));
            }
        }

        return values;
    }

    public static float[] Vector(Random random, int length, double scale = 1)
    {
        var values = new float[length];
        for (int i = 0; i < length; i++)
        {
            values[i] = (float)(scale * Normal(random));
        }

        return values;
    }

    public static float[] Row(float[,] values, int row)
    {
        var result = new float[values.GetLength(1)];
        for (int j = 0; j < result.Length; j++)
        {
            result[j] = values[row, j];
        }

        return result;
    }

    public static double[] Doubles(ReadOnlySpan<float> values)
    {
        var result = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            result[i] = values[i];
        }

        return result;
    }

    public static double[] Doubles(float[,] values, int row) => Doubles(Row(values, row));

    /// <summary>Within <paramref name="tolerance"/>, relative to the size of the expected value but at least to 1.</summary>
    public static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> found, double tolerance, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs(expected[i] - found[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i]))))
            {
                Assert.Fail($"{what}: element {i} is {found[i]:R}, should be {expected[i]:R}.");
            }
        }
    }

    public static void AssertSameBits(float[,] expected, float[,] found, string what)
    {
        Assert.Equal(expected.Length, found.Length);
        for (int i = 0; i < expected.GetLength(0); i++)
        {
            for (int j = 0; j < expected.GetLength(1); j++)
            {
                if (BitConverter.SingleToInt32Bits(expected[i, j]) != BitConverter.SingleToInt32Bits(found[i, j]))
                {
                    Assert.Fail($"{what}: element ({i}, {j}) is {found[i, j]:R}, should be {expected[i, j]:R}, bit for bit.");
                }
            }
        }
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class LossTests
{
    private const float Scale = 0.25f;

    private readonly Random _random = new(3);

    [Theory]
    [InlineData(2)]
    [InlineData(131)]
    public void Cross_entropy_and_its_gradient(int vocabulary)
    {
        int[] targets = [0, vocabulary - 1, -1, vocabulary / 2];
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, targets.Length, vocabulary, 4);
        Matrix logits = memory.Matrix(x, gap: 3), gradient = memory.Matrix(new float[targets.Length, vocabulary]);
        DeviceSpan<float> losses = memory.Span(new float[targets.Length]), alone = memory.Span(new float[targets.Length]);

        double lossAlone = Loss(memory, logits, targets, alone, default);
        double loss = Loss(memory, logits, targets, losses, gradient);
        Loss(memory, logits, targets, losses, logits);

        Assert.Equal(loss, lossAlone);
        Values.AssertSameBits(KernelMemory.Read(gradient), KernelMemory.Read(logits), "In place");
        double sum = 0;
        for (int i = 0; i < targets.Length; i++)
        {
            double[] row = Values.Doubles(x, i);
            int target = targets[i];
            double expected = target < 0 ? 0 : Loss(row, target);
            Assert.Equal(expected, losses.AsSpan()[i], 2e-6 * Math.Max(1, expected));
            sum += losses.AsSpan()[i];
            double[] slope = target < 0 ? new double[vocabulary] : Exact.Gradient(v => Scale * Loss(v, target), row);
            Values.AssertClose(slope, Values.Row(KernelMemory.Read(gradient), i), 3e-7, "Gradient");
        }

        Assert.Equal(sum, loss);
        memory.AssertSurroundingsUntouched();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(39)]
    public void A_logit_that_is_no_number_gives_a_loss_that_is_none(int at)
    {
        using var memory = new KernelMemory();
        float[,] x = Values.Matrix(_random, 2, 40);
        x[1, at] = float.NaN;
        DeviceSpan<float> losses = memory.Span(new float[2]);

        double loss = Loss(memory, memory.Matrix(x), [5, 5], losses, default);

        Assert.True(double.IsNaN(loss));
        Assert.True(float.IsFinite(losses.AsSpan()[0]));
    }

    [Fact]
    public void Masked_rows_have_no_loss_whatever_they_hold()
    {
        using var memory = new KernelMemory();
        Matrix logits = memory.Matrix(new float[,] { { float.NaN, 1 }, { 0, 0 } });

        double loss = Loss(memory, logits, [-1, 1], memory.Span(new float[2]), logits);

        Assert.Equal(Math.Log(2), loss, 1e-7);
        Assert.Equal([0f, 0f, Scale / 2, -Scale / 2], logits.Data.AsSpan().ToArray());
    }

    [Fact]
    public void Large_logits_do_not_overflow()
    {
        using var memory = new KernelMemory();
        Matrix logits = memory.Matrix(new float[,] { { 3e4f, -3e4f, 2.9e4f } });

        double loss = Loss(memory, logits, [2], memory.Span(new float[1]), logits);

        Assert.Equal(1000, loss, 1e-3);
        Assert.Equal([Scale, 0f, -Scale], logits.Data.AsSpan().ToArray());
    }

    private static double Loss(KernelMemory memory, in Matrix logits, int[] targets, DeviceSpan<float> losses, in Matrix gradient)
    {
        DeviceSpan<double> sum = memory.Number();
        memory.Device.CrossEntropy(logits, memory.Integers(targets), Scale, losses, gradient, sum);
        return sum.AsSpan()[0];
    }

    private static double Loss(double[] logits, int target) => Exact.LogSumExp(logits) - logits[target];
}

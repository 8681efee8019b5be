using MoEActors.Native.Memory;

namespace MoEActors.Tests.Native.Kernels;

public class EmbeddingTests
{
    [Theory]
    [InlineData(1, 50, 9, 7)]
    [InlineData(3, 5000, 40, 33)]
    [InlineData(2, 3000, 1, 64)]
    [InlineData(2, 2000, 100000, 16)]
    [InlineData(2, 0, 4, 16)]
    public void Gradients_of_an_id_are_summed_in_row_order_and_added_once(int threads, int rows, int vocabulary, int columns)
    {
        var random = new Random(4);
        using var memory = new KernelMemory(threads);
        float[,] dy = Values.Matrix(random, rows, columns), before = Values.Matrix(random, vocabulary, columns);
        var ids = new int[rows];
        for (int i = 0; i < rows; i++)
        {
            ids[i] = random.Next(vocabulary);
        }

        Matrix table = memory.Matrix(before, gap: 1);
        memory.Device.EmbeddingGradient(memory.Integers(ids), memory.Matrix(dy, gap: 2), table);

        var sums = new float[vocabulary, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                sums[ids[i], j] += dy[i, j];
            }
        }

        for (int i = 0; i < sums.Length; i++)
        {
            sums[i / columns, i % columns] += before[i / columns, i % columns];
        }

        Values.AssertSameBits(sums, KernelMemory.Read(table), "Table");
        memory.AssertSurroundingsUntouched();
    }

    [Fact]
    public void Lookup_copies_rows()
    {
        using var memory = new KernelMemory();
        float[,] table = Values.Matrix(new Random(5), 6, 19);
        Matrix y = memory.Matrix(new float[3, 19], gap: 4);

        memory.Device.GatherRows(memory.Matrix(table, gap: 1), memory.Integers(5, 0, 5), y);

        float[,] found = KernelMemory.Read(y);
        Assert.Equal(Values.Row(table, 5), Values.Row(found, 0));
        Assert.Equal(Values.Row(table, 0), Values.Row(found, 1));
        Assert.Equal(Values.Row(table, 5), Values.Row(found, 2));
        memory.AssertSurroundingsUntouched();
    }
}

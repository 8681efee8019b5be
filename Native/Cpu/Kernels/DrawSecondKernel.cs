using System.Runtime.CompilerServices;
using MoEActors.Native.Cpu.Threads;
using MoEActors.Native.Memory;
using MoEActors.Native.Operations;

namespace MoEActors.Native.Cpu.Kernels;

/// <summary>Puts a drawn column at the second place of each row's choices; those from there on move back by one, up to where it was.</summary>
internal readonly unsafe struct DrawSecondKernel(Matrix logits, Matrix scores, ulong key, float scale, int k, DeviceSpan<int> choices) : IRangeBody
{
    [MethodImpl(Compilation.AtOnce)]
    public void Run(int start, int end)
    {
        for (int row = start; row < end; row++)
        {
            var chosen = new Span<int>(choices.Pointer + (nint)row * k, k);
            if (chosen[0] < 0 || Draw(row, chosen[0]) is not (>= 0 and int drawn))
            {
                continue;
            }

            int place = chosen.IndexOf(drawn);
            chosen[1..(place < 0 ? k - 1 : place)].CopyTo(chosen[2..]);
            chosen[1] = drawn;
        }
    }

    /// <summary>The column with the highest noisy logit of those that may be chosen; −1 for none.</summary>
    private int Draw(int row, int first)
    {
        ulong stream = CounterRandom.Next(key, (ulong)row);
        float* logit = logits.Row(row), score = scores.Row(row);
        int best = -1;
        double highest = double.NegativeInfinity;
        for (int column = 0; column < logits.Columns; column++)
        {
            if (column == first || !(score[column] > float.NegativeInfinity))
            {
                continue;
            }

            double value = logit[column] - scale * Math.Log(-Math.Log(CounterRandom.Uniform(stream, (ulong)column)));
            if (value > highest)
            {
                (best, highest) = (column, value);
            }
        }

        return best;
    }
}

using System.Globalization;

namespace MoEActors.Tests.Robustness;

/// <summary>
/// Feeds a reader inputs that follow from a seed. A reader may accept or refuse with an exception that it documents; it must not throw anything else, hang,
/// or take memory out of proportion to the input.
/// </summary>
internal static class Fuzzer
{
    /// <summary>Inputs of each reader: MOE_FUZZ, or as many as make 200,000 with the five of files.</summary>
    private static readonly int Inputs = Setting("MOE_FUZZ", 40_000);

    /// <summary>First seed: MOE_FUZZ_SEED. Input i is made from seed + i, so the seed of a failure with MOE_FUZZ=1 is that one input.</summary>
    private static readonly int Seed = Setting("MOE_FUZZ_SEED", 1);

    /// <summary>Memory of a refusal with its message, whatever the input.</summary>
    private const long FreeBytes = 64 * 1024;

    /// <summary>Bytes of memory per byte of input: objects for what was one digit, and words about it.</summary>
    private const long BytesPerByte = 256;

    /// <summary>Runs inputs until one fails.</summary>
    /// <param name="make">Makes an input.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="isRefusal">Whether an exception is one that the reader documents.</param>
    public static async Task RunAsync(Func<Random, byte[]> make, Action<byte[]> read, Func<Exception, bool> isRefusal)
    {
        int seed = Seed;
        byte[] input = [];
        int accepted = 0;
        Task work = Task.Run(
            () =>
            {
                for (int i = 0; i < Inputs; i++)
                {
                    seed = Seed + i;
                    input = make(new Random(seed));
                    long allocated = Measured(() => accepted += Try(input, read, isRefusal) ? 1 : 0);
                    if (allocated > Bound(input) && (allocated = Measured(() => Try(input, read, isRefusal))) > Bound(input))
                    {
                        // Twice: what is compiled or cached once is nobody's input.
                        throw new InvalidOperationException($"took {allocated} bytes of memory");
                    }
                }
            },
            TestContext.Current.CancellationToken);
        try
        {
            await work.WaitAsync(TimeSpan.FromSeconds(30 + Inputs / 1000), TestContext.Current.CancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Assert.Fail(
                $"{(e is TimeoutException ? "It hangs" : $"{e.GetType().Name}: {e.Message}")} on an input of {input.Length} bytes. Again: MOE_FUZZ=1 MOE_FUZZ_SEED={seed}. Base64: "
                + $"{Convert.ToBase64String(input)}{Environment.NewLine}{e}");
        }

        // A reader that refuses everything, or nothing, is not being tested.
        if (Inputs >= 1000)
        {
            Assert.InRange(accepted, 1, Inputs - 1);
        }
    }

    private static bool Try(byte[] input, Action<byte[]> read, Func<Exception, bool> isRefusal)
    {
        try
        {
            read(input);
            return true;
        }
        catch (Exception e) when (isRefusal(e))
        {
            return false;
        }
    }

    private static long Bound(byte[] input) => FreeBytes + BytesPerByte * input.Length;

    private static long Measured(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}

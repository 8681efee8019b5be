namespace MoEActors.Tests.Layers;

/// <summary>What training a layer came to: every number that its caller saw, and the hash of its parameters.</summary>
internal sealed record LayerTrace(float[] Numbers, ulong Fingerprint)
{
    /// <summary>Fails unless <paramref name="actual"/> is this to the last bit.</summary>
    public void AssertSame(LayerTrace actual, string what)
    {
        Assert.Equal(Numbers.Length, actual.Numbers.Length);
        for (int i = 0; i < Numbers.Length; i++)
        {
            Assert.True(
                BitConverter.SingleToInt32Bits(Numbers[i]) == BitConverter.SingleToInt32Bits(actual.Numbers[i]),
                $"{what}: number {i} is {actual.Numbers[i]:R}, elsewhere {Numbers[i]:R}.");
        }

        Assert.True(Fingerprint == actual.Fingerprint, $"{what}: the parameters differ.");
    }
}

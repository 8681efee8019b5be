namespace Orleans.Runtime;

/// <summary>What the embedded runtime does not do, said in one way.</summary>
internal static class Unsupported
{
    public static NotSupportedException Because(string what) =>
        new($"The embedded actor runtime does not support {what}. Run with ActorRuntime=Orleans, or do without.");
}

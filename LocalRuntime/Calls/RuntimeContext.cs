namespace Orleans.Runtime;

/// <summary>The activation whose code runs on this thread.</summary>
internal static class RuntimeContext
{
    [ThreadStatic]
    private static IGrainContext? CurrentOnThread;

    public static IGrainContext? Current
    {
        get => CurrentOnThread;
        set => CurrentOnThread = value;
    }
}

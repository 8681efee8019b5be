namespace Orleans.Runtime;

/// <summary>The activation whose code runs on this thread.</summary>
internal static class RuntimeContext
{
    [ThreadStatic]
    private static IGrainContext? _current;

    public static IGrainContext? Current
    {
        get => _current;
        set => _current = value;
    }
}

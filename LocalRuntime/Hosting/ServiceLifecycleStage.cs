namespace Orleans;

/// <summary>The stages of a silo's start, of which this runtime uses the last for startup tasks.</summary>
public static class ServiceLifecycleStage
{
    /// <summary>Application services.</summary>
    public const int ApplicationServices = 10000;

    /// <summary>The silo joins.</summary>
    public const int BecomeActive = Active - 1;

    /// <summary>The silo is active.</summary>
    public const int Active = 20000;
}

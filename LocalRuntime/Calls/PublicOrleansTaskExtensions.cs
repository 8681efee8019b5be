namespace Orleans;

/// <summary>What to do with tasks that nobody awaits.</summary>
public static class PublicOrleansTaskExtensions
{
    /// <summary>Says that nobody looks at how the task ends.</summary>
    public static void Ignore(this Task task) => task?.ContinueWith(
        static done => _ = done.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}

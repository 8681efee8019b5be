namespace Orleans.Runtime;

/// <summary>A timer of a grain.</summary>
public interface IGrainTimer : IDisposable
{
    /// <summary>Sets when the timer ticks next, and how often from then on.</summary>
    void Change(TimeSpan dueTime, TimeSpan period);
}

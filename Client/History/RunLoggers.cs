namespace MoEActors.Client.History;

/// <summary>Tells several loggers what happens in a run.</summary>
/// <param name="loggers">The loggers.</param>
public sealed class RunLoggers(params IReadOnlyList<IRunLogger> loggers) : IRunLogger
{
    /// <inheritdoc />
    public void Log(RunEvent happened)
    {
        foreach (IRunLogger logger in loggers)
        {
            logger.Log(happened);
        }
    }

    /// <inheritdoc />
    /// <exception cref="IOException">One of them lacks something; the others are flushed all the same.</exception>
    public Task FlushAsync() => Task.WhenAll(loggers.Select(logger => logger.FlushAsync()));
}

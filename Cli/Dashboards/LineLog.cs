using Microsoft.Extensions.Logging;

namespace MoEActors.Cli.Dashboards;

/// <summary>What a dashboard logs, as lines for a command that has no log: what somebody has changed by it, and who tried to.</summary>
/// <param name="tell">Is told each line.</param>
internal sealed class LineLog(Action<string> tell) : ILoggerProvider, ILogger
{
    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc />
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    /// <inheritdoc />
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc />
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            tell(formatter(state, exception));
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
    }
}

/// <summary>What a dashboard logs, in the log of the host that it is served beside.</summary>
/// <param name="host">The host's log.</param>
internal sealed class HostLog(ILoggerFactory host) : ILoggerProvider
{
    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => host.CreateLogger(categoryName);

    /// <inheritdoc />
    public void Dispose()
    {
    }
}

namespace Orleans.Runtime;

/// <summary>Runs once its silo is active.</summary>
public interface IStartupTask
{
    /// <summary>Runs it.</summary>
    Task Execute(CancellationToken cancellationToken);
}

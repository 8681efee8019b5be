namespace MoEActors.Client.History;

/// <summary>Takes what happens in a run, as it happens. <see cref="HistoryWriter"/> writes it to a file.</summary>
public interface IRunLogger
{
    /// <summary>Takes an event. It never waits: training goes on meanwhile.</summary>
    void Log(RunEvent happened);

    /// <summary>Ends when everything logged before is kept for good.</summary>
    /// <exception cref="IOException">Some of it is lost, or cannot be kept yet.</exception>
    Task FlushAsync();
}

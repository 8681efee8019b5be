namespace MoEActors.Cli.Progress;

/// <summary>
/// Where a training run is watched. Telling it never waits, and may be done from any thread, one at a time; disposing it shows the last report.
/// </summary>
internal interface ITrainingView : IAsyncDisposable
{
    /// <summary>What is being done now, while no step is reported.</summary>
    /// <param name="phase">As in "starting 4 silos".</param>
    /// <param name="detail">How far that is, as in "3 of 14"; null where there is nothing to count.</param>
    void Enter(string phase, string? detail = null);

    /// <summary>Shows the state of the run.</summary>
    void Report(TrainingProgress progress);

    /// <summary>Something worth knowing as long as the run goes on.</summary>
    /// <param name="line">One line, such as where the dashboard is.</param>
    void Announce(string line);

    /// <summary>Something went wrong that does not end the run.</summary>
    void Remark(string text);
}

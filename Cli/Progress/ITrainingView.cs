namespace MoEActors.Cli.Progress;

/// <summary>Where a training run is watched. Reports never wait for the view; disposing shows the last one.</summary>
internal interface ITrainingView : IAsyncDisposable
{
    /// <summary>Shows how the run stands. May be called from any thread, one at a time.</summary>
    void Report(TrainingProgress progress);
}

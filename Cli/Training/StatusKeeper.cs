using MoEActors.Cli.Progress;
using MoEActors.Cli.Runs;
using MoEActors.Grains.Interfaces.Training;

namespace MoEActors.Cli.Training;

/// <summary>Keeps a run's status.json up to date: at most once a second while steps go by, and at once when the state changes.</summary>
internal sealed class StatusKeeper(RunFolder folder, RunStatus first, TimeProvider time, Action<string> remark)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Decisions of the director that the status shows.</summary>
    private const int Decisions = 8;

    private RunStatus _status = first;
    private long? _written;
    private bool _warned;

    /// <summary>Whether the next report will be written.</summary>
    public bool IsDue => _written is not { } written || time.GetElapsedTime(written) >= Interval;

    /// <summary>It is known how many steps the run has.</summary>
    public void Plan(long steps)
    {
        _status = _status with { Steps = steps };
        Write();
    }

    /// <summary>Takes over the state after a step.</summary>
    public void Report(TrainingProgress progress)
    {
        _status = _status with
        {
            Step = progress.Step,
            Loss = progress.Loss,
            TokensPerSecond = progress.TokensPerSecond,
            Director = progress.Director is { } director ? director with { Decisions = [.. director.Decisions.TakeLast(Decisions)] } : null,
        };
        if (IsDue)
        {
            Write();
        }
    }

    /// <summary>The workers' memory, and what travels in layers: written with the next report.</summary>
    public void Remember(TrainingStatus status) => _status = _status with
    {
        Memory = [.. status.Memory.Select(worker => new WorkerUse(worker.Used, worker.Budget))],
        Layers = LayerTravel.Of(status),
    };

    /// <summary>An earlier run's checkpoint is gone.</summary>
    public void Forget()
    {
        _status = _status with { Checkpoint = null, CheckpointStep = null };
        Write();
    }

    /// <summary>A checkpoint of the step is on disk.</summary>
    public void Saved(long step, string checkpoint)
    {
        _status = _status with { Checkpoint = Path.GetRelativePath(folder.Path, checkpoint), CheckpointStep = step };
        Write();
    }

    /// <summary>The run begins or ends.</summary>
    public void Enter(RunState state, string? error = null, string? ending = null)
    {
        _status = _status with { State = state, Error = error, Ending = ending };
        Write();
    }

    private void Write()
    {
        _status = _status with { UpdatedAt = time.GetUtcNow() };
        _written = time.GetTimestamp();
        try
        {
            folder.Write(_status);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A run must not fail because its status cannot be written; a checkpoint that cannot be written fails by itself.
            if (!_warned)
            {
                remark($"{folder.StatusFile} cannot be written: {e.Message}");
                _warned = true;
            }
        }
    }
}

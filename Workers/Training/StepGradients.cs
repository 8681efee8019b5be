using MoEActors.Workers.PlacementChange;
using MoEActors.Workers.Shards;

namespace MoEActors.Workers.Training;

/// <summary>
/// The gradients of one step on one worker, and the routing that they came of: added up round by round, completed with the other workers, and kept
/// until the step is committed or aborted.
/// </summary>
/// <param name="device">The worker's device.</param>
/// <param name="parameters">What the gradients are of.</param>
/// <param name="changes">Is told when they are complete: they follow the shards that are being copied elsewhere.</param>
/// <param name="model">The model.</param>
internal sealed class StepGradients(IDevice device, WorkerParameters parameters, PlacementChanges changes, ModelConfiguration model) : IDisposable
{
    private readonly DeviceBuffer _denseMemory = device.Allocate(sizeof(float) * (long)parameters.Dense.Length);
    private WorkerView? _view;
    private GradientNorm? _norm;

    /// <summary>What the gradients are of.</summary>
    public WorkerParameters Parameters => parameters;

    /// <summary>Gradients of the dense replica over the micro-batches of the step, of which each rank has its piece until they are complete.</summary>
    public DeviceSpan<float> Dense => _denseMemory.As<float>().Slice(0, parameters.Dense.Length);

    /// <summary>Routing of the step.</summary>
    public RoutingCounts Counts { get; } = new(model);

    /// <summary>The step whose gradients are kept until they are committed or aborted; 0 for none.</summary>
    public long Prepared { get; private set; }

    /// <summary>Norm of the prepared step's gradient.</summary>
    public double Norm { get; private set; }

    /// <summary>Goes over to another view.</summary>
    public void Enter(WorkerView view)
    {
        _norm?.Dispose();
        _view = view;
        _norm = new GradientNorm(device, view.Map, view.Rank, parameters.Shards);
    }

    /// <summary>Begins a step: nothing is prepared, no gradient added, nothing counted.</summary>
    public void Begin()
    {
        Prepared = 0;
        Counts.Clear();
        device.Fill(Dense, 0f);
        for (int i = 0; i < parameters.Shards.Count; i++)
        {
            parameters.Shards.At(i).Block.BeginGradients();
        }
    }

    /// <summary>Adds the dense gradients of a round, those of all workers.</summary>
    /// <param name="contributes">Whether this worker had a micro-batch.</param>
    public void AddDense(bool contributes) => _view!.Communicator.ReduceScatterInRankOrder(parameters.Dense.Gradients, contributes, Dense);

    /// <summary>Completes the gradients that were added: from here on the step is prepared.</summary>
    /// <param name="step">The step.</param>
    /// <param name="wiring">Brings the gradients of replicas together.</param>
    public void Complete(long step, ExpertWiring wiring)
    {
        _view!.Communicator.AllGatherOwned(Dense);
        for (int i = 0; i < parameters.Shards.Count; i++)
        {
            parameters.Shards.At(i).Block.EndGradients();
        }

        wiring.EndStep(_view.Map.Layers);

        // Copies of shards read them elsewhere, on a thread and a stream of their own.
        device.Synchronize();
        changes.GradientsAreReady();
        Norm = _norm!.Measure(device, _view.Communicator, parameters.Dense, Dense);
        Prepared = step;
    }

    /// <summary>Forgets the prepared gradients, once they have been applied or will not be.</summary>
    public void Drop() => Prepared = 0;

    public void Dispose()
    {
        _norm?.Dispose();
        _denseMemory.Dispose();
    }
}

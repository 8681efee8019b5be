using MoEActors.Placement.Parallelism;
using MoEActors.Workers.Commands;

namespace MoEActors.Workers.Training;

/// <summary>
/// What a worker does in the steps of one kind of model: it wires the model in a view and carries out the commands that depend on its kind. A new kind of
/// model is a new program, added in <see cref="Open"/>; the engine asks for the kind nowhere else.
/// </summary>
internal abstract class StepProgram : IDisposable
{
    /// <summary>The program of a run in a view that has just opened.</summary>
    public static StepProgram Open(WorkerModel model, WorkerView view) => model.Run.Model.Backbone switch
    {
        Backbone.Decoder => new DecoderProgram(model, view),
        Backbone.None => new LayerProgram(model, view),
        _ => throw new NotSupportedException($"There is no step program for the backbone {model.Run.Model.Backbone}."),
    };

    /// <summary>The model as this worker has it.</summary>
    public abstract IRoutedModel Model { get; }

    /// <summary>How its layers reach experts.</summary>
    public abstract ExpertWiring Wiring { get; }

    /// <summary>Memory of passes that wait for their backward, behind the arenas of a round.</summary>
    public virtual IEnumerable<Arena> PassArenas => [];

    /// <summary>Losses of this worker's micro-batches of the step that was prepared.</summary>
    public abstract LossPart[] Losses { get; }

    /// <summary>Goes over to another placement among the same members: only layers whose experts are elsewhere now are wired anew.</summary>
    /// <param name="before">The placement so far.</param>
    /// <param name="view">The view that has it.</param>
    public void Enter(PlacementMap before, WorkerView view)
    {
        for (int layer = 0; layer < view.Map.Layers; layer++)
        {
            if (!view.Map.PlacementOf(layer).Equals(before.PlacementOf(layer)))
            {
                Rewire(view.Map, layer);
            }
        }

        Enter(view);
    }

    /// <summary>Runs a step forward and backward; its gradients are complete and kept afterwards.</summary>
    /// <returns>Why it was refused; empty when the reason is another worker's; null when it was not.</returns>
    public abstract string? Prepare(StepShare share);

    /// <summary>Runs one micro-batch of a refused step again, to see what it does to the gradients. Every member takes part.</summary>
    public virtual void Repeat(StepShare share, int index) => throw Unsupported(nameof(Repeat));

    /// <summary>Runs a step on a device that counts memory.</summary>
    /// <param name="sequences">Sequences of a micro-batch.</param>
    /// <param name="length">Tokens of a sequence.</param>
    /// <param name="parallelism">By layer: what travels; empty where rows do in all of them.</param>
    /// <param name="atLoss">Called when the forward of a round has ended, where the device does not tell itself.</param>
    public abstract void RunDry(int sequences, int length, ParallelismChoice[] parallelism, Action? atLoss);

    /// <summary>Sums cross-entropy; nothing is learnt.</summary>
    public virtual EvaluateReport Evaluate(EvaluateCommand command) => throw Unsupported(nameof(Evaluate));

    /// <summary>Continues a text.</summary>
    public virtual GenerateReport Generate(GenerateCommand command) => throw Unsupported(nameof(Generate));

    /// <summary>Runs the caller's rows forward.</summary>
    public virtual ForwardReport Forward(ForwardCommand command) => throw Unsupported(nameof(Forward));

    /// <summary>Runs the caller's gradients back.</summary>
    public virtual BackwardReport Backward(BackwardCommand command) => throw Unsupported(nameof(Backward));

    public virtual void Dispose()
    {
        Model.Dispose();
        Wiring.Dispose();
    }

    /// <summary>A refusal with the rank that has the reason; empty where another has it.</summary>
    public static string Named(string refusal, WorkerView view) => refusal.Length > 0 ? $"rank {view.Rank}: {refusal}" : "";

    /// <summary>Reaches the experts of a layer anew.</summary>
    protected abstract void Rewire(PlacementMap map, int layer);

    /// <summary>Continues in another view of the same members.</summary>
    protected abstract void Enter(WorkerView view);

    private NotSupportedException Unsupported(string what) => new($"{GetType().Name} does not know the command {what}.");
}

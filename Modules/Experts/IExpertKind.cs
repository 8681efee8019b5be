using MoEActors.Modules.Parameters;

namespace MoEActors.Modules.Experts;

/// <summary>What an expert computes: its tensors, and forward and backward over the rows of all experts of a worker at once.</summary>
public interface IExpertKind
{
    /// <summary>Name in configurations.</summary>
    string Name { get; }

    /// <summary>The tensors of one expert, names without prefix.</summary>
    /// <param name="dim">Model features.</param>
    /// <param name="hidden">Hidden features.</param>
    IReadOnlyList<ParameterShape> Layout(int dim, int hidden);

    /// <summary>Computes <see cref="ExpertBatch.Output"/> from <see cref="ExpertBatch.Input"/>.</summary>
    void Forward(ExpertBatch batch);

    /// <summary>Adds parameter gradients and computes <see cref="ExpertBatch.InputGradient"/> from <see cref="ExpertBatch.OutputGradient"/>.</summary>
    void Backward(ExpertBatch batch);
}

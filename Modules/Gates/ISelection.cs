using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.Gates;

/// <summary>How scores become choices. One object per layer and worker. Choices are constants in backward: a selection has no gradient.</summary>
public interface ISelection
{
    /// <summary>Whether every expert gets the same number of tokens in any case, so that no loss has to see to it.</summary>
    bool IsBalanced => false;

    /// <summary>
    /// Fills the choices of <see cref="GatePass.Routing"/>: on the host what <see cref="Routing.BeginChoices"/> returns, [rows, k] experts, the best
    /// first and −1 where there is none (rows of padding have none), and the same on the device as <see cref="Routing.Choices"/>.
    /// </summary>
    void Select(Tape tape, GatePass pass);

    /// <summary>Whether the weights of a token are divided by their sum.</summary>
    bool Renormalises(GateOptions options) => options.Renormalise && options.TopK > 1;

    /// <summary>Slots of an expert, of those that <see cref="Select"/> has chosen.</summary>
    int Capacity(GatePass pass) => pass.Options.Capacity(pass.Context.ValidCount, pass.Experts);

    /// <summary>What this selection cannot do with the options: sentences that begin with the name of the property.</summary>
    IEnumerable<string> Mistakes(GateOptions options) => [];
}

using MoEActors.Modules.Autograd;

namespace MoEActors.Modules.Gates;

/// <summary>How scores become choices.</summary>
public interface ISelection
{
    /// <summary>Whether every expert gets the same number of tokens in any case, so that no loss has to see to it.</summary>
    bool IsBalanced { get; }

    /// <summary>Fills the choices of <see cref="GatePass.Routing"/>, on the device and on the host.</summary>
    void Select(Tape tape, GatePass pass);

    /// <summary>Whether the weights of a token are divided by their sum.</summary>
    bool Renormalises(GateOptions options);

    /// <summary>Slots of an expert, of those that <see cref="Select"/> has chosen.</summary>
    int Capacity(GatePass pass);
}

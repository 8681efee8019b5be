using MoEActors.Modules.Timing;

namespace MoEActors.Modules.Autograd;

/// <summary>
/// One recorded operation: what its backward pass needs. Nodes are pooled by the tape and reused in the next round, so a node's
/// fields are set anew by every forward pass.
/// </summary>
public abstract class TapeNode
{
    /// <summary>Where the step was when this was recorded: backward counts there too.</summary>
    internal PhaseMark Mark { get; set; }

    /// <summary>Reads the gradient of the operation's output and adds to those of its inputs and parameters.</summary>
    protected internal abstract void Backward(Tape tape);
}

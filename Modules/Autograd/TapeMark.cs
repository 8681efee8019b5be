using MoEActors.Native.Memory;

namespace MoEActors.Modules.Autograd;

/// <summary>A place in a pass: what the <see cref="Tape"/> recorded later can be played back and forgotten.</summary>
/// <param name="Nodes">Operations recorded.</param>
/// <param name="Slots">Gradients in use.</param>
/// <param name="Memory">The place in the arena.</param>
public readonly record struct TapeMark(int Nodes, int Slots, ArenaMark Memory);

namespace MoEActors.Modules.Kinds;

/// <summary>Something that a configuration names.</summary>
public interface IKind
{
    /// <summary>Name in configurations and checkpoints: lower-case letters, digits and '-', as in <c>swiglu</c>.</summary>
    string Name { get; }
}

namespace MoEActors.Modules.Timing;

/// <summary>Where in a step a thread is.</summary>
/// <param name="Phase">What it does.</param>
/// <param name="Layer">The mixture-of-experts layer it does it for; −1 for none.</param>
public readonly record struct PhaseMark(Phase Phase, int Layer);

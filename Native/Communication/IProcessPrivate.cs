namespace MoEActors.Native.Communication;

/// <summary>
/// Marks a store or a data plane that other processes do not share. A silo that has one refuses to be a member of a cluster of several processes: models would
/// be there for some silos and not for others.
/// </summary>
public interface IProcessPrivate;

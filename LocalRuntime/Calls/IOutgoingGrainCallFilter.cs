namespace Orleans;

/// <summary>Sees every call that is sent from a silo or client.</summary>
public interface IOutgoingGrainCallFilter
{
    /// <summary>Called for each; goes on by <c>context.Invoke()</c>.</summary>
    Task Invoke(IOutgoingGrainCallContext context);
}

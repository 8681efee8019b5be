namespace Orleans;

/// <summary>Sees every call to the grains and grain services of a silo.</summary>
public interface IIncomingGrainCallFilter
{
    /// <summary>Called for each; goes on by <c>context.Invoke()</c>.</summary>
    Task Invoke(IIncomingGrainCallContext context);
}

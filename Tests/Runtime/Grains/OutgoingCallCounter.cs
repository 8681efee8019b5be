namespace MoEActors.Tests.Runtime.Grains;

public sealed class OutgoingCallCounter(CallCounter counter) : IOutgoingGrainCallFilter
{
    public Task Invoke(IOutgoingGrainCallContext context)
    {
        CallCounter.Count(counter.Outgoing, context);
        return context.Invoke();
    }
}

namespace MoEActors.Tests.Runtime.Grains;

public sealed class IncomingCallCounter(CallCounter counter) : IIncomingGrainCallFilter
{
    public Task Invoke(IIncomingGrainCallContext context)
    {
        CallCounter.Count(counter.Incoming, context);
        return context.Invoke();
    }
}

namespace MoEActors.Tests.Support;

internal sealed class TrainingCallFilter(TrainingCalls calls) : IIncomingGrainCallFilter
{
    public Task Invoke(IIncomingGrainCallContext context)
    {
        calls.Add(context);
        return context.Invoke();
    }
}

namespace MoEActors.Tests.Support;

internal sealed class TrainingCallFilter(TrainingCalls calls) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        bool losesReply = calls.Add(context);
        await context.Invoke();
        if (losesReply)
        {
            throw TrainingCalls.Lost();
        }
    }
}

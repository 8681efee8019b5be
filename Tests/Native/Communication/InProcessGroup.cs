using MoEActors.Native.Communication;
using MoEActors.Native.Communication.InProcess;

namespace MoEActors.Tests.Native.Communication;

/// <summary>A group and all of its communicators, disposed together.</summary>
internal sealed class InProcessGroup(int size, TimeSpan? deadline = null, TimeProvider? time = null) : IDisposable
{
    private readonly InProcessCommunicatorGroup _group = new(size, deadline, time);
    private ICommunicator[]? _ranks;

    public ICommunicator[] Ranks => _ranks ??= [.. Enumerable.Range(0, size).Select(_group.Open)];

    public void Dispose()
    {
        foreach (ICommunicator rank in Ranks)
        {
            rank.Dispose();
        }

        _group.Dispose();
    }
}

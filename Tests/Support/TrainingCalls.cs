using System.Collections.Concurrent;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Interfaces.Workers;

namespace MoEActors.Tests.Support;

/// <summary>The calls that arrived at this system's grains and hosts, by method.</summary>
internal sealed class TrainingCalls
{
    private static readonly string[] Polls = [nameof(ITrainingGrain.WaitAsync), "PollAsync"];

    private readonly ConcurrentDictionary<string, int> _counts = new();
    private int _meant;

    /// <summary>Looks at every call before it runs, in the callee's turn; what it throws is the call's outcome.</summary>
    public Action<IIncomingGrainCallContext>? Before { get; set; }

    /// <summary>Messages of the kind that <see cref="Lose"/> was told of last.</summary>
    public int Meant => Volatile.Read(ref _meant);

    /// <summary>All but the polls.</summary>
    public int Commands => _counts.Where(entry => !Polls.Contains(entry.Key)).Sum(entry => entry.Value);

    /// <summary>The order that a call brings to a worker host; null for a call that brings none.</summary>
    public static WorkOrder? OrderOf(IIncomingGrainCallContext call) =>
        call.Request.GetArgumentCount() == 2 ? call.Request.GetArgument(1) as WorkOrder : null;

    /// <summary>Loses some messages of a kind, by their numbers from 1, in place of what <see cref="Before"/> did.</summary>
    public void Lose(Func<IIncomingGrainCallContext, bool> meant, params int[] numbers)
    {
        _meant = 0;
        Before = call =>
        {
            if (meant(call) && numbers.Contains(Interlocked.Increment(ref _meant)))
            {
                throw new SiloUnavailableException("A test lost this message.");
            }
        };
    }

    public override string ToString() => string.Join(", ", _counts.OrderBy(entry => entry.Key).Select(entry => $"{entry.Key}: {entry.Value}"));

    public void Add(IIncomingGrainCallContext call)
    {
        if (call.InterfaceMethod.DeclaringType?.Assembly == typeof(ITrainingGrain).Assembly)
        {
            _counts.AddOrUpdate(call.MethodName, 1, (_, count) => count + 1);
            Before?.Invoke(call);
        }
    }

    public void Clear() => _counts.Clear();
}

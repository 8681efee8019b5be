using System.Collections.Concurrent;
using System.Reflection;
using MoEActors.Grains.Interfaces.Training;
using MoEActors.Grains.Protocol;
using MoEActors.Workers.Commands;

namespace MoEActors.Tests.Support;

/// <summary>What happens to a call.</summary>
public enum Loss
{
    /// <summary>It is turned away, as by a silo that is going: the caller hears of it at once.</summary>
    Rejected,

    /// <summary>It never arrives: the caller's time runs out. Here it runs out at once.</summary>
    Request,

    /// <summary>It arrives and is done, and its answer never arrives: to the caller that is the same as <see cref="Request"/>.</summary>
    Reply,
}

/// <summary>The calls that arrived at this system's grains and hosts, by method.</summary>
internal sealed class TrainingCalls
{
    private static readonly string[] Polls = [nameof(ITrainingGrain.WaitAsync), "PollAsync"];

    private readonly ConcurrentDictionary<string, int> _counts = new();
    private int _meant;
    private Func<IIncomingGrainCallContext, bool>? _losesReply;

    /// <summary>Looks at every call before it runs, in the callee's turn; what it throws is the call's outcome.</summary>
    public Action<IIncomingGrainCallContext>? Before { get; set; }

    /// <summary>Messages so far of the kind that the test loses.</summary>
    public int Meant => Volatile.Read(ref _meant);

    /// <summary>All but the polls.</summary>
    public int Commands => _counts.Where(entry => !Polls.Contains(entry.Key)).Sum(entry => entry.Value);

    /// <summary>How often a method was called.</summary>
    public int Of(string method) => _counts.GetValueOrDefault(method);

    /// <summary>The orders that a call brings to a worker host.</summary>
    public static Command[] OrdersOf(IIncomingGrainCallContext call) =>
        call.Request.GetArgumentCount() > 0 && call.Request.GetArgument(0) is NumberedCommand[] orders ? [.. orders.Select(order => order.Command)] : [];

    /// <summary>The last order that a call brings to a worker host; null for a call that brings none.</summary>
    public static Command? OrderOf(IIncomingGrainCallContext call) => OrdersOf(call).LastOrDefault();

    /// <summary>Loses some messages of a kind, by their numbers from 1, in place of what <see cref="Before"/> did.</summary>
    public void Lose(Func<IIncomingGrainCallContext, bool> meant, params int[] numbers) => Lose(meant, Loss.Rejected, numbers);

    /// <summary>As above, in this way.</summary>
    public void Lose(Func<IIncomingGrainCallContext, bool> meant, Loss loss, params int[] numbers)
    {
        Reset();
        _meant = 0;
        bool IsMeant(IIncomingGrainCallContext call) => meant(call) && numbers.Contains(Interlocked.Increment(ref _meant));
        if (loss == Loss.Reply)
        {
            _losesReply = IsMeant;
            return;
        }

        Before = call =>
        {
            if (IsMeant(call))
            {
                throw loss == Loss.Request ? Lost() : new SiloUnavailableException("A test lost this message.");
            }
        };
    }

    /// <summary>Disturbs no call any more.</summary>
    public void Reset()
    {
        Before = null;
        _losesReply = null;
    }

    /// <summary>What a caller gets whose time has run out.</summary>
    public static TimeoutException Lost() => new("A test lost this message.");

    public override string ToString() => string.Join(", ", _counts.OrderBy(entry => entry.Key).Select(entry => $"{entry.Key}: {entry.Value}"));

    /// <summary>Counts a call and does to it what the test wants.</summary>
    /// <returns>Whether its answer is to be lost.</returns>
    public bool Add(IIncomingGrainCallContext call)
    {
        Assembly? owner = call.InterfaceMethod.DeclaringType?.Assembly;
        if (owner == typeof(ITrainingGrain).Assembly || owner == typeof(IWorkerHostService).Assembly)
        {
            _counts.AddOrUpdate(call.MethodName, 1, (_, count) => count + 1);
        }
        else if (owner != typeof(TrainingCalls).Assembly)
        {
            return false;
        }

        Before?.Invoke(call);
        return _losesReply?.Invoke(call) == true;
    }

    public void Clear() => _counts.Clear();
}

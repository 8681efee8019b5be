using System.Runtime.ExceptionServices;
using Orleans.Hosting;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>Sends calls, on behalf of one silo or of a client outside of all silos.</summary>
internal sealed class CallDispatcher(LocalCluster cluster, Silo? silo, TimeSpan responseTimeout, Lazy<IOutgoingGrainCallFilter[]> filters)
{
    public LocalCluster Cluster => cluster;

    /// <summary>The silo that is sent from; null for a client.</summary>
    public Silo? Silo => silo;

    public object? Call(GrainReference target, CallMethod method, object?[] arguments)
    {
        method.CheckSupported();
        if (silo is { IsAlive: false })
        {
            PendingReply refused = method.NewReply();
            refused.Fail(new SiloUnavailableException($"The silo {silo.SiloAddress} that {target.GrainId} is called from is dead."));
            return refused.AsReturnValue();
        }

        IOutgoingGrainCallFilter[] chain = filters.Value;
        if (chain.Length == 0)
        {
            return Send(target, method, arguments).AsReturnValue();
        }

        PendingReply reply = method.NewReply();
        _ = CallFilteredAsync(new OutgoingCall(this, target, method, arguments, chain), reply);
        return reply.AsReturnValue();
    }

    public PendingReply Send(GrainReference target, CallMethod method, object?[] arguments)
    {
        PendingReply reply = method.NewReply();
        CancellationToken cancellation = method.HasCancellation ? (CancellationToken)arguments[^1]! : default;
        if (cancellation.IsCancellationRequested)
        {
            reply.Fail(new OperationCanceledException(cancellation));
            return reply;
        }

        var request = new Request(this, target.GrainId, method, method.CopyArguments(arguments))
        {
            TargetSilo = target.TargetSilo,
            Interface = GrainInterface.Of(method.Method.DeclaringType!),
            SourceId = RuntimeContext.Current?.GrainId,
            Context = DeepCopy.Of(RequestContext.Values),
            Reply = method.IsOneWay ? null : reply,
        };
        if (method.IsOneWay)
        {
            reply.Complete(null);
        }
        else
        {
            TimeSpan limit = method.Timeout ?? responseTimeout;
            reply.Arm(cluster.TimeProvider, limit, () => Overdue(request, limit), cancellation);
        }

        cluster.Deliver(request);
        return reply;
    }

    private static TimeoutException Overdue(Request request, TimeSpan limit) => new(
        $"{request.Interface.Name}.{request.Method.Method.Name} on {request.Target} did not answer within {limit}. It may still be running.");

    private static async Task CallFilteredAsync(OutgoingCall call, PendingReply reply)
    {
        try
        {
            await call.Invoke();
            reply.Complete(call.Result);
        }
        catch (Exception exception)
        {
            reply.Fail(ExceptionDispatchInfo.Capture(exception).SourceException);
        }
    }
}

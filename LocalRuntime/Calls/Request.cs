namespace Orleans.Runtime;

/// <summary>A call on its way.</summary>
internal sealed class Request(CallDispatcher sender, GrainId target, CallMethod method, object?[] arguments) : Turn
{
    /// <summary>How many activations may end before a request that waits for them is given up, as with Orleans.</summary>
    private const int MostReroutes = 2;

    private int _reroutes;

    public CallDispatcher Sender => sender;

    public GrainId Target => target;

    public SiloAddress? TargetSilo { get; init; }

    public GrainInterface Interface { get; init; } = null!;

    public GrainId? SourceId { get; init; }

    public CallMethod Method => method;

    public object?[] Arguments => arguments;

    public Dictionary<string, object>? Context { get; init; }

    public PendingReply? Reply { get; init; }

    public override bool IsAlwaysInterleave => method.IsAlwaysInterleave;

    public override bool IsReadOnly => method.IsReadOnly;

    public override bool IsUse => true;

    public override Guid ReentrancyId =>
        Context is not null && Context.TryGetValue(RequestContext.ReentrancyKey, out object? id) && id is Guid guid ? guid : Guid.Empty;

    public bool LosesReply { get; set; }

    /// <summary>What runs the method: the grain, or the runtime for it.</summary>
    public object TargetOn(Activation activation) =>
        typeof(IGrainExtension).IsAssignableFrom(method.Method.DeclaringType) ? activation : activation.GrainInstance!;

    public override async Task RunAsync(Activation activation)
    {
        RequestContext.Values = Context;
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is GrainReference reference)
            {
                arguments[i] = reference.For(activation.Silo.Dispatcher);
            }
        }

        object? result;
        try
        {
            IIncomingGrainCallFilter[] filters = activation.Silo.IncomingFilters;
            if (filters.Length == 0 && activation.GrainInstance is not IIncomingGrainCallFilter)
            {
                result = await method.InvokeAsync(TargetOn(activation), arguments);
            }
            else
            {
                result = await new IncomingCall(this, activation, filters).RunAsync();
            }
        }
        catch (Exception exception)
        {
            Fail(exception, activation.Silo);
            return;
        }

        if (!LosesReply && activation.Silo.IsAlive)
        {
            Reply?.Complete(result is GrainReference reference ? reference.For(sender) : result);
        }
    }

    public override void Reject(Exception exception) => Reply?.Fail(exception);

    public override void Reroute(SiloAddress? to)
    {
        if (++_reroutes > MostReroutes)
        {
            Reject(new OrleansMessageRejectionException($"{target} ended {_reroutes} times before {method.Method.Name} had its turn."));
            return;
        }

        sender.Cluster.Forward(this, to);
    }

    private void Fail(Exception exception, Silo silo)
    {
        if (!LosesReply && silo.IsAlive)
        {
            Reply?.Fail(ReferenceEquals(silo, sender.Silo) ? exception : ExceptionCodec.AcrossSilos(exception));
        }
    }
}

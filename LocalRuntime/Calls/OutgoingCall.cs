using System.Reflection;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>A call on its way through the filters beside the caller.</summary>
internal sealed class OutgoingCall(
    CallDispatcher dispatcher, GrainReference target, CallMethod method, object?[] arguments, IOutgoingGrainCallFilter[] filters)
    : IOutgoingGrainCallContext
{
    private int _next;

    public IInvokable Request { get; } = new Invokable(method.Method, arguments);

    public object Grain => target;

    public GrainId? SourceId => SourceContext?.GrainId;

    public GrainId TargetId => target.GrainId;

    public GrainInterfaceType InterfaceType => target.InterfaceType;

    public string InterfaceName => target.InterfaceName;

    public string MethodName => method.Method.Name;

    public MethodInfo InterfaceMethod => method.Method;

    public object? Result { get; set; }

    public IGrainContext? SourceContext { get; } = RuntimeContext.Current;

    public async Task Invoke()
    {
        int step = _next++;
        if (step < filters.Length)
        {
            await filters[step].Invoke(this);
        }
        else
        {
            Result = await dispatcher.Send(target, method, arguments).AsObjectAsync();
        }
    }
}

using System.Reflection;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>A call on its way through the filters beside the callee.</summary>
internal sealed class IncomingCall(Request request, Activation activation, IIncomingGrainCallFilter[] filters) : IIncomingGrainCallContext
{
    private int _next;

    public IInvokable Request { get; } = new Invokable(request.Method.Method, request.Arguments);

    public object Grain => request.TargetOn(activation);

    public GrainId? SourceId => request.SourceId;

    public GrainId TargetId => request.Target;

    public GrainInterfaceType InterfaceType => request.Interface.Type;

    public string InterfaceName => request.Interface.Name;

    public string MethodName => InterfaceMethod.Name;

    public MethodInfo InterfaceMethod => request.Method.Method;

    public object? Result { get; set; }

    public IGrainContext TargetContext => activation;

    public MethodInfo ImplementationMethod
    {
        get
        {
            InterfaceMapping map = Grain.GetType().GetInterfaceMap(InterfaceMethod.DeclaringType!);
            return map.TargetMethods[Array.IndexOf(map.InterfaceMethods, InterfaceMethod)];
        }
    }

    public async Task<object?> RunAsync()
    {
        await Invoke();
        return Result;
    }

    public async Task Invoke()
    {
        int step = _next++;
        if (step < filters.Length)
        {
            await filters[step].Invoke(this);
        }
        else if (step == filters.Length && Grain is IIncomingGrainCallFilter own)
        {
            await own.Invoke(this);
        }
        else
        {
            Result = await request.Method.InvokeAsync(Grain, request.Arguments);
        }
    }
}

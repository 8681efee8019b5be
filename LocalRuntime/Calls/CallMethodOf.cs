using System.Reflection;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>A grain interface method with a known type of result.</summary>
internal sealed class CallMethod<T>(MethodInfo method, ReturnShape shape) : CallMethod(method, shape)
{
    private readonly bool _copiesResult = !TypeCopier.IsKnownImmutable(typeof(T));

    public override PendingReply NewReply() => new PendingReply<T>(Shape);

    public override async ValueTask<object?> InvokeAsync(object target, object?[] arguments)
    {
        object? started = Start(target, arguments);
        switch (Shape)
        {
            case ReturnShape.Task:
                await (Task)started!;
                return null;
            case ReturnShape.ValueTask:
                await (ValueTask)started!;
                return null;
            case ReturnShape.TaskOfResult:
                return Copy(await (Task<T>)started!);
            case ReturnShape.ValueTaskOfResult:
                return Copy(await (ValueTask<T>)started!);
            default:
                return null;
        }
    }

    private object? Copy(T result)
    {
        if (_copiesResult && !ReturnsImmutable)
        {
            return result is IAddressable grain and not GrainReference ? grain.AsReference<T>() : DeepCopy.Of(result);
        }

        DeepCopy.Check(result);
        return result;
    }
}

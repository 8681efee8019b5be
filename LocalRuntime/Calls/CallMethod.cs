using System.Linq.Expressions;
using System.Reflection;
using Orleans.Concurrency;
using Orleans.Serialization;

namespace Orleans.Runtime;

/// <summary>What is known of a grain interface method: its options, how to copy its arguments, how to call it.</summary>
internal abstract class CallMethod
{
    private readonly bool[] _copied;
    private readonly Lazy<Func<object, object?[], object?>> _invoke;
    private readonly string? _refusal;

    protected CallMethod(MethodInfo method, ReturnShape shape)
    {
        Method = method;
        Shape = shape;
        IsOneWay = method.IsDefined(typeof(OneWayAttribute));
        IsReadOnly = method.IsDefined(typeof(ReadOnlyAttribute));
        IsAlwaysInterleave = method.IsDefined(typeof(AlwaysInterleaveAttribute));
        Timeout = method.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout;
        ReturnsImmutable = method.ReturnParameter.IsDefined(typeof(ImmutableAttribute), inherit: false);

        ParameterInfo[] parameters = method.GetParameters();
        _copied = [.. parameters.Select(parameter =>
            !parameter.IsDefined(typeof(ImmutableAttribute), inherit: false) && !TypeCopier.IsKnownImmutable(parameter.ParameterType))];
        HasCancellation = parameters.LastOrDefault()?.ParameterType == typeof(CancellationToken);
        _refusal = Refusal(method, parameters, shape);
        _invoke = new Lazy<Func<object, object?[], object?>>(() => Compile(method));
    }

    public MethodInfo Method { get; }

    public ReturnShape Shape { get; }

    public bool IsOneWay { get; }

    public bool IsReadOnly { get; }

    public bool IsAlwaysInterleave { get; }

    public bool ReturnsImmutable { get; }

    public bool HasCancellation { get; }

    public TimeSpan? Timeout { get; }

    public static CallMethod Of(MethodInfo method)
    {
        Type returned = method.ReturnType;
        Type definition = returned.IsGenericType ? returned.GetGenericTypeDefinition() : returned;
        (ReturnShape shape, Type result) =
            definition == typeof(Task<>) ? (ReturnShape.TaskOfResult, returned.GetGenericArguments()[0])
            : definition == typeof(ValueTask<>) ? (ReturnShape.ValueTaskOfResult, returned.GetGenericArguments()[0])
            : definition == typeof(ValueTask) ? (ReturnShape.ValueTask, typeof(object))
            : definition == typeof(Task) ? (ReturnShape.Task, typeof(object))
            : (ReturnShape.Void, typeof(object));
        return (CallMethod)Activator.CreateInstance(typeof(CallMethod<>).MakeGenericType(result), method, shape)!;
    }

    public abstract PendingReply NewReply();

    public abstract ValueTask<object?> InvokeAsync(object target, object?[] arguments);

    public void CheckSupported()
    {
        if (_refusal is not null)
        {
            throw Unsupported.Because($"{_refusal} ({Method.DeclaringType}.{Method.Name})");
        }
    }

    /// <summary>Replaces the arguments by copies, but for what is immutable.</summary>
    public object?[] CopyArguments(object?[] arguments)
    {
        for (int i = 0; i < arguments.Length; i++)
        {
            if (_copied[i])
            {
                arguments[i] = arguments[i] is IAddressable grain and not GrainReference
                    ? grain.AsReference(Method.GetParameters()[i].ParameterType)
                    : DeepCopy.Of(arguments[i]);
            }
            else
            {
                DeepCopy.Check(arguments[i]);
            }
        }

        return arguments;
    }

    protected object? Start(object target, object?[] arguments) => _invoke.Value(target, arguments);

    private static string? Refusal(MethodInfo method, ParameterInfo[] parameters, ReturnShape shape) =>
        method.IsGenericMethodDefinition ? "generic grain methods"
        : shape == ReturnShape.Void && method.ReturnType != typeof(void) ? $"grain methods that return {method.ReturnType.Name}"
        : parameters.Any(parameter => parameter.ParameterType.IsByRef) ? "ref, in and out parameters"
        : parameters.SkipLast(1).Any(parameter => parameter.ParameterType == typeof(CancellationToken))
            ? "a CancellationToken anywhere but last"
        : null;

    private static Func<object, object?[], object?> Compile(MethodInfo method)
    {
        ParameterExpression target = Expression.Parameter(typeof(object));
        ParameterExpression arguments = Expression.Parameter(typeof(object?[]));
        Expression call = Expression.Call(
            Expression.Convert(target, method.DeclaringType!),
            method,
            method.GetParameters().Select((parameter, i) =>
                Expression.Convert(Expression.ArrayIndex(arguments, Expression.Constant(i)), parameter.ParameterType)));
        Expression body = method.ReturnType == typeof(void)
            ? Expression.Block(call, Expression.Constant(null))
            : Expression.Convert(call, typeof(object));
        return Expression.Lambda<Func<object, object?[], object?>>(body, target, arguments).Compile();
    }
}

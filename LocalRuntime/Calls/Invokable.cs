using System.Reflection;
using Orleans.Serialization.Invocation;

namespace Orleans.Runtime;

/// <summary>A method with the arguments to call it with.</summary>
internal sealed class Invokable(MethodInfo method, object?[] arguments) : IInvokable
{
    public int GetArgumentCount() => arguments.Length;

    public object? GetArgument(int index) => arguments[index];

    public void SetArgument(int index, object value) => arguments[index] = value;

    public string GetMethodName() => method.Name;

    public string GetInterfaceName() => GrainInterface.Of(method.DeclaringType!).Name;

    public Type GetInterfaceType() => method.DeclaringType!;

    public MethodInfo GetMethod() => method;
}

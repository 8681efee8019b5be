using System.Reflection;

namespace Orleans.Serialization.Invocation;

/// <summary>A method with the arguments to call it with.</summary>
public interface IInvokable
{
    /// <summary>The number of arguments.</summary>
    int GetArgumentCount();

    /// <summary>One of the arguments.</summary>
    object? GetArgument(int index);

    /// <summary>Replaces one of the arguments.</summary>
    void SetArgument(int index, object value);

    /// <summary>The name of the method.</summary>
    string GetMethodName();

    /// <summary>The name of the interface.</summary>
    string GetInterfaceName();

    /// <summary>The interface.</summary>
    Type GetInterfaceType();

    /// <summary>The method.</summary>
    MethodInfo GetMethod();
}

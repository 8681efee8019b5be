using System.Reflection;
using Orleans.Runtime;

namespace Orleans.Serialization;

/// <summary>Registers assemblies of grains.</summary>
public static class SerializerBuilderExtensions
{
    /// <summary>Registers an assembly that nothing refers to.</summary>
    public static ISerializerBuilder AddAssembly(this ISerializerBuilder builder, Assembly assembly)
    {
        GrainClasses.Register(assembly);
        return builder;
    }
}

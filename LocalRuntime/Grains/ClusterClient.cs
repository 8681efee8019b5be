using System.Globalization;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Makes references that send through one dispatcher: a silo's, or that of a client outside of all silos.</summary>
internal sealed class ClusterClient(CallDispatcher dispatcher, IServiceProvider services) : IClusterClient
{
    public IServiceProvider ServiceProvider => services;

    public TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(primaryKey);
        return (TGrainInterface)(object)Make(typeof(TGrainInterface), primaryKey, grainClassNamePrefix);
    }

    public TGrainInterface GetGrain<TGrainInterface>(long primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithIntegerKey =>
        (TGrainInterface)(object)Make(typeof(TGrainInterface), IntegerKey(primaryKey), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(Guid primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithGuidKey =>
        (TGrainInterface)(object)Make(typeof(TGrainInterface), primaryKey.ToString("N"), grainClassNamePrefix);

    public TGrainInterface GetGrain<TGrainInterface>(GrainId grainId)
        where TGrainInterface : IAddressable =>
        (TGrainInterface)(object)GrainReference.Create(dispatcher, GrainInterface.Of(typeof(TGrainInterface)), grainId);

    public IGrain GetGrain(Type grainInterfaceType, string grainPrimaryKey) => (IGrain)(object)Make(grainInterfaceType, grainPrimaryKey, null);

    public IGrain GetGrain(Type grainInterfaceType, long grainPrimaryKey) =>
        (IGrain)(object)Make(grainInterfaceType, IntegerKey(grainPrimaryKey), null);

    private static string IntegerKey(long key) => key.ToString("X", CultureInfo.InvariantCulture);

    private GrainReference Make(Type interfaceType, string key, string? classPrefix)
    {
        GrainClass grain = GrainClasses.Implementing(interfaceType, classPrefix);
        return GrainReference.Create(dispatcher, GrainInterface.Of(interfaceType), GrainId.Create(grain.Type, key));
    }
}

namespace Orleans.Services;

/// <summary>Calls grain services.</summary>
/// <typeparam name="TGrainService">The interface of the service.</typeparam>
public interface IGrainServiceClient<TGrainService>
    where TGrainService : IGrainService
{
}

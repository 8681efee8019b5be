namespace Orleans.Services;

/// <summary>The root of grain service interfaces.</summary>
public interface IGrainService : ISystemTarget
{
}

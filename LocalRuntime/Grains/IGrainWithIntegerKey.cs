namespace Orleans;

/// <summary>A grain whose key is an integer.</summary>
public interface IGrainWithIntegerKey : IGrain
{
}

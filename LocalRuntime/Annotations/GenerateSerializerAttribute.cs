namespace Orleans;

/// <summary>Says that values of this type may travel in a grain call.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum)]
public sealed class GenerateSerializerAttribute : Attribute
{
    private bool? _includePrimaryConstructorParameters;

    /// <summary>Whether parameters of the primary constructor are members; by default they are for records only.</summary>
    public bool IncludePrimaryConstructorParameters
    {
        get => _includePrimaryConstructorParameters ?? false;
        init => _includePrimaryConstructorParameters = value;
    }

    internal bool IncludesPrimaryConstructorOf(bool isRecord) => _includePrimaryConstructorParameters ?? isRecord;
}

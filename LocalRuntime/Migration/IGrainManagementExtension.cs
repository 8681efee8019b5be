using Orleans.Runtime;

namespace Orleans.Core.Internal;

/// <summary>What can be asked of any grain from outside: <c>grain.AsReference&lt;IGrainManagementExtension&gt;()</c>.</summary>
public interface IGrainManagementExtension : IGrainExtension
{
    /// <summary>Ends the activation as soon as no request runs any more.</summary>
    ValueTask DeactivateOnIdle();

    /// <summary>
    /// Moves the activation to the silo that its placement director picks now, as soon as no request runs any more. Nothing happens if the
    /// director picks no other silo than the activation's own.
    /// </summary>
    ValueTask MigrateOnIdle();
}

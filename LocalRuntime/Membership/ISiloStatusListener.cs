namespace Orleans.Runtime;

/// <summary>Hears of silos that come and go.</summary>
public interface ISiloStatusListener
{
    /// <summary>Called when a silo's status has changed.</summary>
    void SiloStatusChangeNotification(SiloAddress updatedSilo, SiloStatus status);
}

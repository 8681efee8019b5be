namespace Orleans.Configuration;

/// <summary>Which cluster is meant.</summary>
public class ClusterOptions
{
    /// <summary>The cluster, a new one with each deployment.</summary>
    public string ClusterId { get; set; } = "default";

    /// <summary>The service, the same in all deployments.</summary>
    public string ServiceId { get; set; } = "default";
}

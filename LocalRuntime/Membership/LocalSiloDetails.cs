namespace Orleans.Runtime;

/// <summary>Who this silo is.</summary>
internal sealed class LocalSiloDetails(Silo silo) : ILocalSiloDetails
{
    public string Name => silo.Name;

    public string ClusterId => silo.Cluster.ClusterId;

    public string DnsHostName => Environment.MachineName;

    public SiloAddress SiloAddress => silo.SiloAddress;

    public SiloAddress GatewayAddress => silo.SiloAddress;
}

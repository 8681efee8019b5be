using Orleans.Runtime;

namespace Orleans.Hosting;

/// <summary>A call that is about to be delivered.</summary>
/// <param name="Source">Who calls; null for a client.</param>
/// <param name="SourceSilo">Where from; null for a client outside of all silos.</param>
/// <param name="Target">Who is called.</param>
/// <param name="InterfaceName">Through which interface.</param>
/// <param name="MethodName">By which method.</param>
public readonly record struct LocalCall(GrainId? Source, SiloAddress? SourceSilo, GrainId Target, string InterfaceName, string MethodName);

using MoEActors.Modules.MixtureOfExperts;
using MoEActors.Placement.Costs;

namespace MoEActors.Workers.Exchange;

/// <summary>An exchange whose rows may cross the hosts in several ways, without a bit of difference.</summary>
internal interface IRowExchange : IExpertExchange
{
    /// <summary>How they do from the next pass on; alike on every worker.</summary>
    AllToAll Crossing { get; set; }
}

namespace MoEActors.Grains.Interfaces.Errors;

/// <summary>A ticket that the coordinator does not know: it has started anew since. Asking for the work again is safe.</summary>
[GenerateSerializer]
[Alias("moe.error.ticket")]
public sealed class TicketLostException(string message) : MoEException(message);

namespace MoEActors.Tests.Runtime.Grains;

public interface IPinnedGrain : IGrainWithStringKey
{
    Task<SiloAddress> Where();

    Task<Guid> Which();

    Task Hold(string gate);

    Task<string?> Color(string? next);

    Task<object> PassThrough(object value);

    Task Fail(Exception exception);

    Task FailPlainly();

    Task FailWith(string kind);

    Task<SiloAddress> AskFrom(IPinnedGrain other);

    Task Leave();
}

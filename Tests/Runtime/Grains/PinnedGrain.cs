namespace MoEActors.Tests.Runtime.Grains;

[Pinned]
[KeepAlive]
public sealed class PinnedGrain(ILocalSiloDetails silo) : Grain, IPinnedGrain
{
    private readonly Guid _which = Guid.NewGuid();

    public Task<SiloAddress> Where() => Task.FromResult(silo.SiloAddress);

    public Task<Guid> Which() => Task.FromResult(_which);

    public Task Hold(string gate) => Gate.Of(gate).PassAsync();

    public async Task<string?> Color(string? next)
    {
        string? color = RequestContext.Get("color") as string;
        RequestContext.Set("color", "changed by the callee");
        return next is null ? color : color + ">" + await GrainFactory.GetGrain<IPinnedGrain>(next).Color(null);
    }

    public Task<object> PassThrough(object value) => Task.FromResult(value);

    public Task Fail(Exception exception) => throw exception;

    public Task FailPlainly() => throw new UnmarkedException("hidden");

    public Task FailWith(string kind) => kind switch
    {
        "unmarked" => throw new UnmarkedException("hidden"),
        "marked" => throw new MarkedException("seen") { Code = 7 },
        _ => throw new InvalidOperationException("framework"),
    };

    public Task<SiloAddress> AskFrom(IPinnedGrain other) => other.Where();

    public Task Leave()
    {
        DeactivateOnIdle();
        return Task.CompletedTask;
    }
}

using Microsoft.Extensions.Logging;

namespace MoEActors.Tests.Runtime.Grains;

public sealed class NoteService(GrainId grainId, Orleans.Runtime.Silo silo, ILoggerFactory loggerFactory)
    : GrainService(grainId, silo, loggerFactory), INoteService
{
    private readonly SiloAddress _silo = silo.SiloAddress;
    private string _story = string.Empty;

    public override Task Init(IServiceProvider serviceProvider)
    {
        _story += "init";
        return base.Init(serviceProvider);
    }

    public override Task Start()
    {
        _story += " start";
        return base.Start();
    }

    public Task<SiloAddress> Where() => Task.FromResult(_silo);

    public Task Hold(string gate) => Gate.Of(gate).PassAsync();

    public Task<string> Story() => Task.FromResult(_story);
}

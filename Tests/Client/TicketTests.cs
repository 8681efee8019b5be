using System.Reflection;
using MoEActors.Client;
using MoEActors.Grains.Interfaces.Training;
using Orleans.Runtime.Messaging;

namespace MoEActors.Tests.Client;

/// <summary>How a client asks for work while silos die.</summary>
public sealed class TicketTests
{
    public static TheoryData<Exception> Undelivered =>
    [
        new ConnectionFailedException("Unable to connect to a gateway."),
        new SiloUnavailableException("The silo is dead."),
        new TimeoutException("No answer came."),
    ];

    [Theory]
    [MemberData(nameof(Undelivered))]
    public async Task What_cannot_be_delivered_is_asked_for_again(Exception cause)
    {
        var grain = DispatchProxy.Create<ITrainingGrain, Coordinator>();
        var coordinator = (Coordinator)grain;
        coordinator.Failures.Enqueue(cause);
        int submissions = 0;

        ProgressOutcome outcome = await Tickets.RunAsync<ProgressOutcome>(
            grain, () => ++submissions == 1 ? throw cause : Task.FromResult(7L), before: null, TestContext.Current.CancellationToken);

        Assert.Equal((3L, 2, 7L), (outcome.Step, submissions, coordinator.Asked));
        Assert.Empty(coordinator.Failures);
    }

    /// <summary>A coordinator that cannot be reached at first.</summary>
    public class Coordinator : DispatchProxy
    {
        public Queue<Exception> Failures { get; } = [];

        public long Asked { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Assert.Equal(nameof(ITrainingGrain.WaitAsync), targetMethod!.Name);
            Asked = (long)args![0]!;
            return Failures.TryDequeue(out Exception? failure) ? Task.FromException<WorkOutcome?>(failure) : Task.FromResult<WorkOutcome?>(new ProgressOutcome(3));
        }
    }
}

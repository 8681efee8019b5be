namespace MoEActors.Workers.Training;

/// <summary>One worker's place in a cluster view.</summary>
/// <param name="Number">The view's number.</param>
/// <param name="Map">Members and who holds what.</param>
/// <param name="Rank">This worker's rank.</param>
/// <param name="Members">The members, as communicators know them.</param>
/// <param name="Communicator">The data plane between the members.</param>
internal sealed record WorkerView(long Number, PlacementMap Map, int Rank, CommunicatorMember[] Members, ICommunicator Communicator);

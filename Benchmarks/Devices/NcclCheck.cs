using System.Diagnostics;
using MoEActors.Native.Communication;
using MoEActors.Native.Communication.Collectives;
using MoEActors.Native.Communication.Tcp;
using MoEActors.Native.Cuda;
using MoEActors.Native.Cuda.Bindings;
using MoEActors.Native.Memory;
using MoEActors.Native.Nccl;
using MoEActors.Native.Nccl.Bindings;

namespace MoEActors.Benchmarks.Devices;

/// <summary>NCCL as far as one GPU can show it: the library loads, collectives of one rank give what they should, an opening that nobody else comes to is given up in time.</summary>
internal static class NcclCheck
{
    private const int Elements = 100_000;
    private const int Openings = 20;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    /// <summary>How much later than its deadline an opening may be given up.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    public static void Run(GpuCheckContext context)
    {
        CudaLibrary library = NcclInstallation.Library;
        if (library.Problem is { } problem)
        {
            context.Checked("library", passed: true, $"none, which GPUs of one process do not need: {problem}");
            return;
        }

        string extensions = NcclInstallation.Extensions is { Count: > 0 } more ? $", with {string.Join(", ", more)}" : "";
        context.Checked("library", passed: true, $"NCCL {library.Version} ({library.Path}){extensions}");
        using CudaDevice device = context.Open();
        using var tcp = new TcpCommunicatorProvider();
        CheckCollectives(context, device, tcp);
        long started = Stopwatch.GetTimestamp();
        for (int i = 1; i <= Openings; i++)
        {
            using NcclCommunicator again = Open(tcp, device, view: i);
            using var memory = device.Allocate(sizeof(float));
            again.Broadcast(memory.As<float>(), root: 0);
            device.Synchronize();
        }

        context.Measured("open and close a communicator", Stopwatch.GetElapsedTime(started).TotalSeconds / Openings, "s");
        CheckAbandonedOpening(context, device);
    }

    private static void CheckCollectives(GpuCheckContext context, CudaDevice device, TcpCommunicatorProvider tcp)
    {
        using NcclCommunicator rank = Open(tcp, device, view: 0);
        using DeviceBuffer from = device.Allocate(Elements * sizeof(float)), to = device.Allocate(Elements * sizeof(float));
        DeviceSpan<float> source = from.As<float>(), target = to.As<float>();
        float[] values = [.. Enumerable.Range(0, Elements).Select(i => 0.5f * i)];
        device.Write<float>(values, source);
        (string Name, float Expected, Action Call)[] calls =
        [
            ("all-gather", 1, () => rank.AllGather(source, target)),
            ("all-to-all", 1, () => rank.AllToAll(source, [new Segment(0, 0, Elements)], target, [new Segment(0, 0, Elements)])),
            ("sum in rank order", 2, () =>
            {
                device.Copy(source, target);
                rank.ReduceScatterInRankOrder(source, contributes: true, target);
                rank.AllGatherOwned(target);
            }),
            ("broadcast", 1, () =>
            {
                device.Copy(source, target);
                rank.Broadcast(target, root: 0);
            }),
        ];
        foreach ((string name, float factor, Action call) in calls)
        {
            device.Fill(target, 0);
            call();
            float[] found = new float[Elements];
            device.Read(target, found);
            int wrong = found.Zip(values).Count(pair => pair.First != factor * pair.Second);
            context.Checked(name, wrong == 0, $"{wrong} of {Elements} elements are wrong");
        }
    }

    private static void CheckAbandonedOpening(GpuCheckContext context, CudaDevice device)
    {
        if (NcclFunctions.GetUniqueId(out NcclUniqueId id) is var made and not NcclResult.Success)
        {
            context.Failed("opening that nobody comes to", NcclInstallation.InWords(made, 0));
            return;
        }

        CommunicatorSpec spec = Spec([new CommunicatorMember(0, "here", 0), new CommunicatorMember(1, "nobody", 0)], view: 0) with { ProgressDeadline = Deadline };
        NcclConnection? connection = null;
        connection = new NcclConnection(spec, device, failure =>
        {
            connection!.End(failure);
            return failure;
        });
        long started = Stopwatch.GetTimestamp();
        string outcome = "it came about";
        using (connection)
        using (DeviceBuffer memory = device.Allocate(2 * sizeof(float)))
        {
            connection.Join(id);
            connection.Begin(CollectiveOperation.Broadcast);
            connection.Add(new Transfer(TransferKind.Broadcast, memory.As<float>().Address, memory.As<float>().Address, sizeof(float), 0));
            try
            {
                connection.Launch();
            }
            catch (CommunicatorException e)
            {
                outcome = e.Message;
            }
        }

        TimeSpan took = Stopwatch.GetElapsedTime(started);
        context.Checked(
            "opening that nobody comes to", outcome.Contains("has not brought", StringComparison.Ordinal) && took < Deadline + Slack,
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"given up after {took.TotalSeconds:0.0} s, with a deadline of {Deadline.TotalSeconds:0} s: {outcome}"));
    }

    private static NcclCommunicator Open(TcpCommunicatorProvider tcp, CudaDevice device, long view)
    {
        CommunicatorSpec spec = Spec([new CommunicatorMember(0, "here", 0, tcp.EndPoint)], view);
        return new NcclCommunicator(spec, device, (TcpCommunicator)tcp.Open(spec));
    }

    private static CommunicatorSpec Spec(CommunicatorMember[] members, long view) => new(members, rank: 0)
    {
        Purpose = CommunicatorPurpose.StepProgram,
        Model = "gpu-check",
        Term = 0,
        View = view,
    };
}

using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MoEActors.Cli.Commands;
using MoEActors.Cli.Health;

namespace MoEActors.Tests.Cli;

/// <summary>`moe doctor` here, and its diagnosis of machines that nobody has.</summary>
[Collection(MoEActors.Tests.CudaEmulation.CudaCollection.Name)]
public sealed class DoctorTests
{
    private static readonly Machine Sound = new()
    {
        Sdk = "10.0.100",
        DotNet = "10.0.0",
        VectorBits = 512,
        HasFusedMultiplyAdd = true,
        Cores = 8,
        Memory = 16L << 30,
        Disk = 100L << 30,
        Processor = "a processor",
        TakenPorts = [],
        FolderProblem = null,
        OpenBlas = "OpenBLAS 0.3.21",
        GpuProblem = "cuda cannot be used: not found",
    };

    [Fact]
    public async Task Every_question_has_an_answer_here()
    {
        CommandLineRun run = await CommandLineRun.Of("doctor", "--json");
        using JsonDocument report = JsonDocument.Parse(run.Output);
        string[] names = [.. report.RootElement.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("name").GetString()!)];
        Assert.Equal([".NET", "devices", "GPUs", "NCCL", "instructions", "cores", "memory", "disk", "ports", "OpenBLAS"], names);
        Assert.Equal(run.ExitCode == 0, report.RootElement.GetProperty("healthy").GetBoolean());
    }

    [Fact]
    public void A_port_is_taken_while_somebody_listens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        Assert.True(Machine.IsTaken(port));
        listener.Stop();
        Assert.False(Machine.IsTaken(port));
    }

    [Fact]
    public void A_sound_machine_has_only_good_findings()
    {
        Assert.All(Diagnosis.Of(Sound), finding => Assert.Equal(Verdict.Good, finding.Verdict));
        Assert.Equal(0, DoctorCommand.Report(Diagnosis.Of(Sound), json: false, TextWriter.Null));
    }

    [Fact]
    public void Every_problem_comes_with_advice()
    {
        (string Name, Verdict Verdict, Machine Machine)[] cases =
        [
            (".NET", Verdict.Remark, Sound with { Sdk = null }),
            ("instructions", Verdict.Remark, Sound with { VectorBits = 256 }),
            ("instructions", Verdict.Problem, Sound with { HasFusedMultiplyAdd = false }),
            ("cores", Verdict.Remark, Sound with { Cores = 1 }),
            ("memory", Verdict.Remark, Sound with { Memory = 2L << 30 }),
            ("memory", Verdict.Problem, Sound with { Memory = 1L << 29 }),
            ("disk", Verdict.Problem, Sound with { Disk = 1 << 20 }),
            ("disk", Verdict.Problem, Sound with { FolderProblem = "read-only" }),
            ("GPUs", Verdict.Good, Sound),
            ("GPUs", Verdict.Remark, Sound with { CudaLibraries = ["cuda 13.0 (libcuda.so.1)"], GpuProblem = "nvrtc cannot be used: not found" }),
            ("GPUs", Verdict.Good, Sound with { Gpus = ["cuda:0 a GPU (sm_90)"], GpuProblem = null }),
            ("NCCL", Verdict.Remark, Sound with { Gpus = ["cuda:0 a GPU (sm_90)"], GpuProblem = null, NcclProblem = "not found: tried libnccl.so.2" }),
            ("ports", Verdict.Remark, Sound with { TakenPorts = [30000] }),
            ("OpenBLAS", Verdict.Good, Sound with { OpenBlas = null }),
        ];
        Assert.All(cases, entry =>
        {
            Finding finding = Diagnosis.Of(entry.Machine).Single(one => one.Name == entry.Name);
            Assert.Equal(entry.Verdict, finding.Verdict);
            Assert.NotNull(finding.WhatToDo);
            int code = DoctorCommand.Report(Diagnosis.Of(entry.Machine), json: false, TextWriter.Null);
            Assert.Equal(entry.Verdict == Verdict.Problem ? 1 : 0, code);
        });
    }
}
